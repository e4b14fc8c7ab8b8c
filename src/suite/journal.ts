import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { makeFolders, reason } from '../base/files.ts';
import { jsonValue } from '../base/json.ts';
import { type Outcome, outcomeSchema } from '../specfile/case-schema.ts';
import type { Case } from './catalogue.ts';
import type { SuiteKernel } from './kernel.ts';

const FILE = 'results.jsonl';
const SCHEMA = 'khoforge-suite-journal';

const head = z.object({ schema: z.object({ name: z.literal(SCHEMA) }), kernel: z.string() });
const entry = z.object({ name: z.string(), asked: z.string(), outcome: outcomeSchema });

/** What was found so far, kept as it is found, in a folder beside the consoles. */
export class Journal {
  readonly #path: string;
  readonly #known: ReadonlyMap<string, z.output<typeof entry>>;

  /**
   * @param folder is made where it is not there
   * @param resume takes what an earlier run of the same kernel found
   * @throws KhoforgeError `OUTPUT_EXISTS` for a folder that is not of a run; `OUTPUT_FAILED`
   */
  constructor(folder: string, kernel: SuiteKernel, resume: boolean) {
    this.#path = join(folder, FILE);
    const id = sha256(kernel.bytes);
    try {
      const names = existsSync(folder) ? readdirSync(folder) : [];
      if (names.length > 0 && !isOurs(this.#path)) throw foreign(folder);
      this.#known = resume && names.length > 0 ? readEntries(this.#path, id) : new Map();
      makeFolders(folder);
      const lines = [{ schema: { name: SCHEMA, version: 1 }, kernel: id }, ...this.#known.values()];
      writeFileSync(this.#path, lines.map(lineOf).join(''));
    } catch (cause) {
      throw failed(folder, cause);
    }
  }

  /** What an earlier run found for the same question. */
  find(one: Case): Outcome | undefined {
    const known = this.#known.get(one.name);
    return known?.asked === digestOf(one) ? known.outcome : undefined;
  }

  add(one: Case, outcome: Outcome): void {
    try {
      appendFileSync(this.#path, lineOf({ name: one.name, asked: digestOf(one), outcome }));
    } catch (cause) {
      throw failed(this.#path, cause);
    }
  }
}

const lineOf = (value: unknown): string => `${JSON.stringify(value)}\n`;
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** All of a case but what kernels answered. */
function digestOf({ loaded: { spec } }: Case): string {
  return sha256(JSON.stringify({ ...spec, case: { ...spec.case, outcomes: undefined } }, jsonValue));
}

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // the last one of a run that was cut off
  }
};

const isOurs = (path: string): boolean =>
  existsSync(path) && head.safeParse(parsed(readFileSync(path, 'utf8').split('\n')[0] ?? '')).success;

/** Those of the same kernel. */
function readEntries(path: string, kernel: string): Map<string, z.output<typeof entry>> {
  const [first = '', ...lines] = readFileSync(path, 'utf8').split('\n');
  if (head.safeParse(parsed(first)).data?.kernel !== kernel) return new Map();
  const entries = lines.flatMap((line) => entry.safeParse(parsed(line)).data ?? []);
  return new Map(entries.map((one) => [one.name, one]));
}

function foreign(folder: string): KhoforgeError {
  return new KhoforgeError('OUTPUT_EXISTS', `${folder} exists and is not of a run of the suite`, {
    where: { file: folder },
    hint: 'choose another name',
  });
}

function failed(path: string, cause: unknown): KhoforgeError {
  if (cause instanceof KhoforgeError) return cause;
  return new KhoforgeError('OUTPUT_FAILED', `cannot write ${path}: ${reason(cause)}`, {
    where: { file: path },
    exitCode: ExitCode.couldNotRun,
    cause,
  });
}
