import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { KhoforgeError } from '../base/errors.ts';
import { jsonValue } from '../base/json.ts';
import { toNumber } from '../base/numbers.ts';
import type { Region } from '../memory/regions.ts';
import { type FileExtent, manifestSchema } from './manifest.ts';
import { MappedFile } from './mapped-file.ts';
import type { MemoryFile } from './memory-file.ts';

const JOURNAL = 'journal';

const { extents, zeroes } = manifestSchema.shape;
const run = z.union([extents.element, zeroes.unwrap().element]);
const head = z.object({ of: z.string(), pid: z.number().int().min(1) });

/**
 * A folder beside the output that an interrupted run leaves, and the next one goes on with: memory.bin as far as it
 * came, and a journal with a line for each run of pages that is in it.
 */
export class Partial {
  readonly folder: string;
  readonly #of: string;

  /**
   * @param output directory that is to be written
   * @param of what is written, from what: a folder of something else is not gone on with
   * @throws KhoforgeError `OUTPUT_BUSY` when another process is at it
   */
  constructor(output: string, of: string) {
    this.folder = join(dirname(output), `.${basename(output)}.partial`);
    this.#of = of;
    const left = this.#head();
    if (left !== undefined && left.pid !== process.pid && isRunning(left.pid)) {
      throw new KhoforgeError('OUTPUT_BUSY', `process ${left.pid} is writing ${output}`, {
        where: { file: this.folder },
        hint: 'wait for it, or choose another directory',
      });
    }
    if (left?.of !== of) rmSync(this.folder, { recursive: true, force: true });
  }

  /** What is written already, as far as its bytes are still those; then this process goes on. */
  start(memory: string): MemoryFile {
    const kept: MemoryFile = { extents: [], zeroes: [] };
    if (existsSync(this.folder)) keepWhole(this.#runs(), join(this.folder, memory), kept);
    mkdirSync(this.folder, { recursive: true });
    chmodSync(this.folder, 0o777 & ~process.umask());
    const lines = [...kept.extents, ...kept.zeroes].sort((a, b) => (a.start < b.start ? -1 : 1));
    writeFileSync(
      this.#journal,
      [JSON.stringify({ of: this.#of, pid: process.pid }), ...lines.map(line), ''].join('\n'),
    );
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

  get #journal(): string {
    return join(this.folder, JOURNAL);
  }

  #head() {
    const [first = ''] = this.#lines();
    return head.safeParse(json(first)).data;
  }

  #runs(): (FileExtent | Region)[] {
    const runs: (FileExtent | Region)[] = [];
    for (const text of this.#lines().slice(1)) {
      const parsed = run.safeParse(json(text));
      // The last line may be half a line.
      if (!parsed.success) break;
      runs.push(parsed.data);
    }
    return runs;
  }

  #lines(): string[] {
    return existsSync(this.#journal) ? readFileSync(this.#journal, 'utf8').split('\n') : [];
  }
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

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
