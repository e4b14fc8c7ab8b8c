import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ALL_PAGE_SIZES, ARCHES } from '../abi/arch.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { makeFolders, readInput, reason } from '../base/files.ts';
import { jsonValue } from '../base/json.ts';
import { version as khoforge } from '../base/version.ts';
import type { SuiteKernel } from './kernel.ts';
import { isShard, type Shard, shardList, shardText, WHOLE } from './shard.ts';

/** What a run keeps its results in, line by line, in a folder beside the consoles. */
const FILE = 'results.jsonl';
/** What becomes that file, so that what ends a run leaves the old one or the new one. */
const NEW_FILE = '.results.jsonl.new';

/** What asks many handovers. */
export const RUNS = ['suite', 'fuzz'] as const;
export type RunKind = (typeof RUNS)[number];

const kernelSchema = z.object({
  /** Of the file. */
  sha256: z.string(),
  version: z.string(),
  name: z.string().optional(),
  release: z.string(),
  arch: z.enum(ARCHES),
  pageSize: z.literal(ALL_PAGE_SIZES),
});

const SCHEMA = { name: 'khoforge-run', version: 1 } as const;

const headSchema = z.object({
  schema: z.object({ name: z.literal(SCHEMA.name), version: z.literal(SCHEMA.version) }),
  run: z.enum(RUNS),
  kernel: kernelSchema,
  /** What else decides the results, such as a seed, by its name. */
  asked: z.record(z.string(), z.string()),
  /** What of the whole was done: `3/16`. */
  shards: z.array(z.string().refine(isShard)).min(1),
});

export type LogHead = z.output<typeof headSchema>;

export function logHead(
  run: RunKind,
  { bytes, version, name, release, arch, pageSize }: SuiteKernel,
  asked: Readonly<Record<string, string>>,
  shard: Shard,
): LogHead {
  const kernel = { sha256: sha256(bytes), version, ...(name && { name }), release, arch, pageSize };
  return {
    schema: SCHEMA,
    run,
    kernel,
    asked: { ...asked, khoforge: khoforge() },
    shards: [shardText(shard)],
  };
}

/** What a run has otherwise than another one that both have to have alike; undefined where they go together. */
export function unlike(a: LogHead, b: LogHead): string | undefined {
  if (a.run !== b.run) return `a run of ${a.run}, the other of ${b.run}`;
  if (a.kernel.sha256 !== b.kernel.sha256)
    return `of another kernel: ${kernelText(a)}, the other of ${kernelText(b)}`;
  const [one, other] = [allAsked(a), allAsked(b)];
  const key = Object.keys({ ...one, ...other }).find((name) => one[name] !== other[name]);
  if (key === undefined) return undefined;
  return `of another ${key}: '${one[key] ?? ''}', the other of '${other[key] ?? ''}'`;
}

const allAsked = ({ asked, kernel: { release, name } }: LogHead): Readonly<Record<string, string>> => ({
  ...asked,
  release,
  ...(name !== undefined && { name }),
});

/**
 * Refuses to go on with a part as another one: what is there would count for what was never done.
 * @throws KhoforgeError `RUN_OTHER`
 */
export function refuseOtherShard(folder: string, { shards }: LogHead, shard: Shard): void {
  const asked = shardText(shard);
  if (asked === shardText(WHOLE) || (shards.length === 1 && shards[0] === asked)) return;
  throw new KhoforgeError('RUN_OTHER', `${folder} is of --shard ${shardList(shards)}, and not of ${asked}`, {
    where: { file: folder },
    hint: 'give each part a folder of its own; without --shard the run goes on as the whole',
  });
}

const kernelText = ({ kernel: { version, sha256: sum } }: LogHead) =>
  `Linux ${version} (${sum.slice(0, 12)})`;

/** What was found so far, kept as it is found. */
export class RunLog<T> {
  readonly path: string;
  /** What an earlier run of the same found. */
  readonly before: readonly T[];

  /**
   * @param folder is made where it is not there
   * @param before what stands in it already
   * @throws KhoforgeError `OUTPUT_EXISTS` for a folder that is not of such a run; `OUTPUT_FAILED`
   */
  constructor(folder: string, head: LogHead, before: readonly T[]) {
    this.path = join(folder, FILE);
    this.before = before;
    try {
      if (existsSync(folder) && readdirSync(folder).length > 0 && headOf(folder)?.run !== head.run)
        throw foreign(folder, head.run);
      makeFolders(folder);
      writeFileSync(join(folder, NEW_FILE), [head, ...before].map(lineOf).join(''));
      renameSync(join(folder, NEW_FILE), this.path);
    } catch (cause) {
      throw failed(folder, cause);
    }
  }

  add(entry: T): void {
    try {
      appendFileSync(this.path, lineOf(entry));
    } catch (cause) {
      throw failed(this.path, cause);
    }
  }
}

/** A run that was kept. */
export interface KeptRun<T> {
  readonly head: LogHead;
  readonly entries: readonly T[];
}

/** What a folder holds of a run; undefined where it is of none. A last line that was cut off is left out. */
export function readRun<T>(folder: string, entry: z.ZodType<T>): KeptRun<T> | undefined {
  const head = headOf(folder);
  const [, ...lines] = head ? linesOf(folder) : [];
  return head && { head, entries: lines.flatMap((line) => entry.safeParse(parsed(line)).data ?? []) };
}

/** What a folder says it is a run of. */
export const headOf = (folder: string): LogHead | undefined =>
  headSchema.safeParse(parsed(linesOf(folder)[0] ?? '')).data;

function linesOf(folder: string): string[] {
  try {
    return Buffer.from(readInput(join(folder, FILE)))
      .toString('utf8')
      .split('\n');
  } catch {
    return [];
  }
}

const lineOf = (value: unknown): string => `${JSON.stringify(value, jsonValue)}\n`;

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};

function foreign(folder: string, run: RunKind): KhoforgeError {
  return new KhoforgeError(
    'OUTPUT_EXISTS',
    `${folder} exists and is not of a run of ${run === 'suite' ? 'the suite' : run}`,
    {
      where: { file: folder },
      hint: 'choose another name',
    },
  );
}

function failed(path: string, cause: unknown): KhoforgeError {
  if (cause instanceof KhoforgeError) return cause;
  return new KhoforgeError('OUTPUT_FAILED', `cannot write ${path}: ${reason(cause)}`, {
    where: { file: path },
    exitCode: ExitCode.couldNotRun,
    cause,
  });
}
