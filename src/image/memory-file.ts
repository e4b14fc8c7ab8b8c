import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { Image } from './image.ts';
import type { FileExtent } from './manifest.ts';

/** Bytes of one extent of memory.bin, so that no more is held in memory at a time. */
const LONGEST_EXTENT = 16 << 20;

/** What stands in memory.bin, and what of the memory is zero. */
export interface MemoryFile {
  readonly extents: FileExtent[];
  readonly zeroes: Region[];
}

/** Of a memory file that is being written. */
export interface WriteProgress {
  /** Bytes of memory, in whole pages. */
  readonly done: bigint;
  readonly total: bigint;
}

export interface WriteOptions {
  /** What an earlier run has written, which stays. */
  readonly before?: MemoryFile;
  /** Called for each run of pages, when it is in the file. */
  readonly onRun?: (run: FileExtent | Region) => void;
  readonly onProgress?: (progress: WriteProgress) => void;
}

/** Writes the pages that are not all zero, back to back. */
export function writeMemory(image: Image, file: string, options: WriteOptions = {}): MemoryFile {
  const extents = [...(options.before?.extents ?? [])];
  const zeroes = [...(options.before?.zeroes ?? [])];
  const from = [...extents, ...zeroes].reduce(
    (end, run) => (regionEnd(run) > end ? regionEnd(run) : end),
    0n,
  );
  const total = image.memory.extents.reduce((sum, { bytes }) => sum + BigInt(bytes.length), 0n);
  let done = [...extents, ...zeroes].reduce((sum, { size }) => sum + size, 0n);
  let offset = extents.reduce((sum, { size }) => sum + Number(size), 0);
  const descriptor = openSync(file, 'a');
  try {
    ftruncateSync(descriptor, offset);
    for (const { start, end, zero, parts } of pageRuns(image, from)) {
      const size = end - start;
      const run = zero ? { start, size } : extentOf(start, size, offset, Buffer.concat(parts), descriptor);
      if ('offset' in run) {
        extents.push(run);
        offset += Number(size);
      } else zeroes.push(run);
      done += size;
      options.onRun?.(run);
      options.onProgress?.({ done, total });
    }
  } finally {
    closeSync(descriptor);
  }
  return { extents, zeroes };
}

function extentOf(
  start: bigint,
  size: bigint,
  offset: number,
  bytes: Uint8Array,
  descriptor: number,
): FileExtent {
  writeAll(descriptor, bytes);
  return { start, size, offset, sha256: createHash('sha256').update(bytes).digest('hex') };
}

interface Run {
  readonly start: bigint;
  readonly zero: boolean;
  /** None for zeroes. */
  readonly parts: Uint8Array[];
  end: bigint;
}

/** Runs of pages, by address: of zeroes alone, or of others. */
function* pageRuns(image: Image, from: bigint): Generator<Run> {
  const { pageSize } = image.target;
  const page = BigInt(pageSize);
  let run: Run | undefined;
  for (const address of pageAddresses(image.memory, page, from)) {
    const bytes = image.memory.read(address, pageSize);
    const zero = Buffer.compare(bytes, zeroPage(pageSize)) === 0;
    const full = !zero && run !== undefined && run.parts.length * pageSize >= LONGEST_EXTENT;
    if (!run || run.end !== address || run.zero !== zero || full) {
      if (run) yield run;
      run = { start: address, zero, parts: [], end: address };
    }
    if (!zero) run.parts.push(bytes);
    run.end += page;
  }
  if (run) yield run;
}

const zeroPages = new Map<number, Uint8Array>();

function zeroPage(size: number): Uint8Array {
  const page = zeroPages.get(size) ?? new Uint8Array(size);
  zeroPages.set(size, page);
  return page;
}

/** Every page from `from` on that some extent touches, once, ascending. */
function* pageAddresses(memory: PhysicalMemory, page: bigint, from: bigint): Generator<bigint> {
  let next = from;
  for (const { start, bytes } of memory.extents) {
    const first = start & ~(page - 1n);
    const end = start + BigInt(bytes.length);
    for (let at = first > next ? first : next; at < end; at += page) yield at;
    const last = (end + page - 1n) & ~(page - 1n);
    if (last > next) next = last;
  }
}

/** write(2) may take less than it is given, without an error, when a disk is nearly full. */
function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}
