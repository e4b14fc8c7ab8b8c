import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { unguessable } from '../base/cleanup.ts';
import { KhoforgeError } from '../base/errors.ts';
import { jsonValue } from '../base/json.ts';
import { toNumber } from '../base/numbers.ts';
import type { Region } from '../memory/regions.ts';
import { plainText } from '../output/forms.ts';
import { tryLock } from '../output/lock.ts';
import { temporaryPrefix } from '../output/write.ts';
import { type FileExtent, runOf } from './manifest-lists.ts';
import { MappedFile } from './mapped-file.ts';
import type { MemoryFile } from './memory-file.ts';

const JOURNAL = 'journal';

const SCHEMA = { name: 'khoforge-journal', version: 1 } as const;
const head = z.object({
  schema: z.object({ name: z.literal(SCHEMA.name), version: z.literal(SCHEMA.version) }),
  of: z.string(),
  pid: z.number().int().min(1),
});

/**
 * A folder beside the output that an interrupted run leaves, and the next one goes on with: memory.bin as far as it
 * came, and a journal with a line for each run of pages that is in it. Whoever is at it has it locked.
 */
export class Partial implements Disposable {
  readonly folder: string;
  readonly #of: string;
  #lock: Disposable | undefined;
  /** What interrupted runs of something else left there. */
  readonly #stale: string[] = [];

  /**
   * @param output directory that is to be written
   * @param of what is written, from what: a folder of something else is not gone on with
   * @throws KhoforgeError `OUTPUT_BUSY` when another process is at it
   */
  constructor(output: string, of: string) {
    this.#of = of;
    const path = resolve(output);
    const prefix = temporaryPrefix(path);
    let found: string | undefined;
    for (const folder of leftBeside(prefix)) {
      const left = headOf(folder);
      const lock = left && tryLock(folder);
      if (left?.of === of && !lock) throw busy(output, folder, left.pid);
      if (left?.of === of && found === undefined) {
        found = folder;
        this.#lock = lock;
        continue;
      }
      if (lock) this.#stale.push(folder);
      lock?.[Symbol.dispose]();
    }
    this.folder = found ?? unguessable(prefix);
  }

  /** What is written already, as far as its bytes are still those; then this process goes on. */
  start(memory: string): MemoryFile {
    for (const folder of this.#stale) rmSync(folder, { recursive: true, force: true });
    const kept: MemoryFile = { extents: [], zeroes: [] };
    if (this.#lock) {
      keepWhole(runsOf(this.folder), join(this.folder, memory), kept);
    } else {
      mkdirSync(this.folder, { mode: 0o700 });
      this.#lock = tryLock(this.folder);
    }
    const lines = [...kept.extents, ...kept.zeroes].sort((a, b) => (a.start < b.start ? -1 : 1));
    const first = JSON.stringify({ schema: SCHEMA, of: this.#of, pid: process.pid });
    writeFileSync(this.#journal, [first, ...lines.map(line), ''].join('\n'));
    return kept;
  }

  /** A run that is in memory.bin. */
  add(one: FileExtent | Region): void {
    appendFileSync(this.#journal, `${line(one)}\n`);
  }

  /** Takes away what is no part of an image. */
  finish(): void {
    rmSync(this.#journal, { force: true });
  }

  [Symbol.dispose](): void {
    this.#lock?.[Symbol.dispose]();
  }

  get #journal(): string {
    return join(this.folder, JOURNAL);
  }
}

/** Folders with such a name that nobody but this user can have put anything into. */
function leftBeside(prefix: string): string[] {
  const parent = dirname(prefix);
  if (!existsSync(parent)) return [];
  const start = basename(prefix);
  const names = readdirSync(parent).filter((name) => name.startsWith(start));
  return names
    .filter((name) => !name.slice(start.length).includes('.'))
    .flatMap((name) => {
      const stat = lstatSync(join(parent, name), { throwIfNoEntry: false });
      const isPrivate = stat?.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & 0o077) === 0;
      return isPrivate ? [join(parent, name)] : [];
    });
}

const linesOf = (folder: string): string[] => (plainText(join(folder, JOURNAL)) ?? '').split('\n');

const headOf = (folder: string) => head.safeParse(json(linesOf(folder)[0] ?? '')).data;

function runsOf(folder: string): (FileExtent | Region)[] {
  const runs: (FileExtent | Region)[] = [];
  for (const text of linesOf(folder).slice(1)) {
    const run = runOf(json(text));
    // The last line may be half a line.
    if (run === undefined) break;
    runs.push(run);
  }
  return runs;
}

/** Runs by ascending address until one whose bytes are not in the file as they were written. */
function keepWhole(runs: readonly (FileExtent | Region)[], file: string, kept: MemoryFile): void {
  if (!existsSync(file) || statSync(file).size === 0) return;
  const memory = new MappedFile(file);
  let offset = 0;
  let end = 0n;
  try {
    for (const one of runs) {
      if (one.start < end) return;
      end = one.start + one.size;
      if (!('offset' in one)) {
        kept.zeroes.push(one);
        continue;
      }
      const bytes = memory.read(offset, toNumber(one.size, 'extent size'));
      if (one.offset !== offset || createHash('sha256').update(bytes).digest('hex') !== one.sha256) return;
      kept.extents.push(one);
      offset += bytes.length;
    }
  } finally {
    memory.close();
  }
}

const line = (one: FileExtent | Region) => JSON.stringify(one, jsonValue);

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function busy(output: string, folder: string, pid: number): KhoforgeError {
  return new KhoforgeError('OUTPUT_BUSY', `process ${pid} is writing ${output}`, {
    where: { file: folder },
    hint: 'wait for it, or choose another directory',
  });
}
