import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { writeAll } from '../base/files.ts';
import type { ByteProgress } from '../base/progress.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { Image } from '../model/image.ts';
import type { FileExtent } from './manifest-lists.ts';
import { pageRuns } from './page-runs.ts';

/** What stands in memory.bin, and what of the memory is zero. */
export interface MemoryFile {
  readonly extents: FileExtent[];
  readonly zeroes: Region[];
}

export interface WriteOptions {
  /** What an earlier run has written, which stays. */
  readonly before?: MemoryFile;
  /** Called for each run of pages, when it is in the file. */
  readonly onRun?: (run: FileExtent | Region) => void;
  /** Bytes of memory, in whole pages; called when more of them are in the file. */
  readonly onProgress?: (progress: ByteProgress) => void;
}

/** Writes the pages that are not all zero, back to back. */
export function writeMemory(image: Image, file: string, options: WriteOptions = {}): MemoryFile {
  const extents = [...(options.before?.extents ?? [])];
  const zeroes = [...(options.before?.zeroes ?? [])];
  const from = [...extents, ...zeroes].reduce(
    (end, run) => (regionEnd(run) > end ? regionEnd(run) : end),
    0n,
  );
  let offset = extents.reduce((sum, { size }) => sum + Number(size), 0);
  const descriptor = openSync(file, 'a');
  try {
    ftruncateSync(descriptor, offset);
    for (const { start, size, zero, parts } of pageRuns(image, { from, onProgress: options.onProgress })) {
      const run = zero ? { start, size } : extentOf(start, size, offset, parts, descriptor);
      if ('offset' in run) {
        extents.push(run);
        offset += Number(size);
      } else zeroes.push(run);
      options.onRun?.(run);
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
  parts: readonly Uint8Array[],
  descriptor: number,
): FileExtent {
  const hash = createHash('sha256');
  for (const bytes of parts) {
    writeAll(descriptor, bytes);
    hash.update(bytes);
  }
  return { start, size, offset, sha256: hash.digest('hex') };
}
