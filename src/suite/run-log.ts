import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ALL_PAGE_SIZES, ARCHES } from '../abi/arch.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { makeFolders, reason } from '../base/files.ts';
import { jsonValue } from '../base/json.ts';
import type { SuiteKernel } from './kernel.ts';
import { type Shard, shardText } from './shard.ts';

/** What a run keeps its results in, line by line, in a folder beside the consoles. */
const FILE = 'results.jsonl';

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

const headSchema = z.object({
  schema: z.object({ name: z.string(), version: z.number() }),
  run: z.enum(RUNS),
  kernel: kernelSchema,
  /** What else decides the results, such as a seed, by its name. */
  asked: z.record(z.string(), z.string()),
  /** What of the whole was done: `3/16`. */
  shards: z.array(z.string()).min(1),
});

export type LogHead = z.output<typeof headSchema>;

const SCHEMA = { name: 'khoforge-run', version: 1 };

export function logHead(
  run: RunKind,
  { bytes, version, name, release, arch, pageSize }: SuiteKernel,
  asked: Readonly<Record<string, string>>,
  shard: Shard,
): LogHead {
  const kernel = { sha256: sha256(bytes), version, ...(name && { name }), release, arch, pageSize };
  return { schema: SCHEMA, run, kernel, asked: { ...asked }, shards: [shardText(shard)] };
}

/** What a run has otherwise than another one that both have to have alike; undefined where they go together. */
export function unlike(a: LogHead, b: LogHead): string | undefined {
  if (a.run !== b.run) return `a run of ${a.run}, the other of ${b.run}`;
  if (a.kernel.sha256 !== b.kernel.sha256)
    return `of another kernel: ${kernelText(a)}, the other of ${kernelText(b)}`;
  const keys = [...new Set([...Object.keys(a.asked), ...Object.keys(b.asked)])];
  const key = keys.find((one) => a.asked[one] !== b.asked[one]);
  if (key === undefined) return undefined;
  return `of another ${key}: '${a.asked[key] ?? ''}', the other of '${b.asked[key] ?? ''}'`;
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
      writeFileSync(this.path, [head, ...before].map(lineOf).join(''));
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
    return readFileSync(join(folder, FILE), 'utf8').split('\n');
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
