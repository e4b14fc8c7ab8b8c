import { createHash } from 'node:crypto';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KhoforgeError } from '../base/errors.ts';
import { hex, humanSize, toNumber } from '../base/numbers.ts';
import type { ByteProgress } from '../base/progress.ts';
import { readRegular } from '../base/regular-file.ts';
import { ZEROES } from '../memory/contents.ts';
import { PhysicalMemory } from '../memory/physical-memory.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { Image } from '../model/image.ts';
import { type OutputOptions, writeDirectory } from '../output/write.ts';
import {
  MAX_MANIFEST_SIZE,
  type Manifest,
  manifestRecord,
  manifestTarget,
  manifestText,
  parseManifest,
} from './manifest.ts';
import type { FileExtent } from './manifest-lists.ts';
import { MappedFile } from './mapped-file.ts';
import { writeMemory } from './memory-file.ts';
import { Partial } from './partial.ts';
import type { FileRange } from './scan-pieces.ts';

const MANIFEST = 'manifest.json';
const MEMORY = 'memory.bin';
const FDT = 'kho.dtb';
/** Names of the files that an image directory always has. */
export const IMAGE_FILES: readonly string[] = [MANIFEST, MEMORY, FDT];

/** A file beside the image's own, e.g. what boots it. */
export interface ExtraFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Whether `path` is to be read as an image directory. */
export function isImageDirectory(path: string): boolean {
  return existsSync(join(path, MANIFEST)) && existsSync(join(path, MEMORY));
}

export interface DirectoryOptions extends OutputOptions {
  /** Files beside the image's own. */
  readonly extra?: readonly ExtraFile[];
  /**
   * What is written, from what, for a long run that may be interrupted: one with the same words goes on where the first
   * stopped. Without it an interrupted run leaves nothing.
   */
  readonly resume?: string;
  /** Where it is written first: a name beside `path` that nothing has yet. */
  readonly temporary?: string;
  /** Bytes of memory, in whole pages. */
  readonly onProgress?: (progress: ByteProgress) => void;
}

/**
 * Writes `manifest.json`, `memory.bin` and `kho.dtb`: all of them, or nothing.
 * @returns bytes of memory that an interrupted run had written already
 * @throws KhoforgeError `OUTPUT_EXISTS`, `OUTPUT_IS_LINK`, `OUTPUT_BUSY`, `OUTPUT_FAILED`, `SOURCE_SHRANK`
 */
export function writeImageDirectory(image: Image, path: string, options: DirectoryOptions = {}): bigint {
  using partial = options.resume === undefined ? undefined : new Partial(path, options.resume);
  const { force, onWritten, temporary } = options;
  let kept = 0n;
  writeDirectory(
    path,
    {
      form: 'dir',
      mode: image.mode,
      ...(force !== undefined && { force }),
      onWritten() {
        onWritten?.();
        partial?.finish();
      },
      ...(temporary !== undefined && { temporary }),
      ...(partial && { kept: partial.folder }),
    },
    (directory) => {
      const before = partial?.start(MEMORY);
      kept = (before?.extents ?? []).reduce((sum, { size }) => sum + size, 0n);
      const { extents, zeroes } = writeMemory(image, join(directory, MEMORY), {
        ...(before && { before }),
        ...(partial && { onRun: (run) => partial.add(run) }),
        ...(options.onProgress && { onProgress: options.onProgress }),
      });
      writeFileSync(join(directory, FDT), rootFdtBytes(image));
      for (const { name, bytes } of options.extra ?? []) writeFileSync(join(directory, name), bytes);
      const files = [MEMORY, FDT, ...(options.extra ?? []).map(({ name }) => name)];
      writeFileSync(join(directory, MANIFEST), manifestText(image, extents, zeroes, files));
    },
  );
  return kept;
}

/** Zeroes that an image may tell of: they take no memory, but time where they are read. */
const MAX_ZEROES = 64n << 40n;

/** The root FDT as far as its header says, within the page that the boot record tells. */
function rootFdtBytes(image: Image): Uint8Array {
  const { fdtAddr } = image.bootRecord;
  const page = Buffer.from(image.memory.read(fdtAddr, image.target.pageSize));
  const totalSize = page.readUInt32BE(4);
  return page.subarray(0, Math.min(totalSize, page.length));
}

/**
 * Reads an image directory and checks that its bytes are those that were written.
 * @throws KhoforgeError `FILE_UNREADABLE`, `MANIFEST_INVALID`, `IMAGE_DAMAGED`, `IMAGE_BUSY`
 */
export function readImageDirectory(path: string): Image {
  return openImageDirectory(path).image;
}

/** The same, with the file that the memory of the image is mapped from. */
export function openImageDirectory(path: string): { image: Image; file: MappedFile } {
  const manifestPath = join(path, MANIFEST);
  const { text, file } = openPair(path);
  try {
    const manifest = parseManifest(text, manifestPath);
    const image = {
      ...imageOf(manifest, manifestPath, readMemory(manifest, manifestPath, file)),
      mode: file.mode,
    };
    file.settle();
    return { image, file };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Directories that may take the place of another while one is opened, before that is an error. */
const MAX_SWAPS = 10;

/** A manifest and the memory beside it: a newer image may take the place of the directory between the two. */
function openPair(path: string): { text: string; file: MappedFile } {
  for (let swaps = 0; swaps < MAX_SWAPS; swaps++) {
    const before = identityOf(path);
    const manifest = join(path, MANIFEST);
    const text = utf8(readRegular(manifest, MAX_MANIFEST_SIZE, { inside: true }), manifest);
    const file = new MappedFile(join(path, MEMORY), { inside: true });
    if (identityOf(path) === before) return { text, file };
    file.close();
  }
  throw new KhoforgeError('IMAGE_BUSY', `${path} is replaced again and again while it is read`, {
    where: { file: path },
    hint: 'wait until whoever writes it has ended, or read a copy',
  });
}

/** @throws KhoforgeError `MANIFEST_INVALID` */
function utf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new KhoforgeError('MANIFEST_INVALID', `${file} is not UTF-8 text`, { where: { file }, cause });
  }
}

/** Which directory a path leads to now. */
function identityOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? 'none' : `${stat.dev} ${stat.ino}`;
}

function imageOf(manifest: Manifest, manifestPath: string, memory: PhysicalMemory): Image {
  return {
    target: manifestTarget(manifest),
    ram: manifest.ram,
    ...(manifest.ramGuessed && { ramGuessed: true }),
    ...(manifest.absent && { absent: manifest.absent }),
    ...(manifest.cutShort && { cutShort: true }),
    ...(manifest.nodes && { nodes: manifest.nodes }),
    bootRecord: manifestRecord(manifest, manifestPath),
    scratch: manifest.scratch,
    memory,
    placements: manifest.placements,
    expect: manifest.expect,
    ...(manifest.vmcoreinfo !== undefined && { vmcoreinfo: manifest.vmcoreinfo }),
  };
}

/** What is hashed is at most the file: no byte of it is named twice. */
function readMemory(manifest: Manifest, manifestPath: string, file: MappedFile): PhysicalMemory {
  const memory = new PhysicalMemory();
  let end = 0;
  for (const { start, size, offset } of [...manifest.extents].sort((a, b) => a.offset - b.offset)) {
    if (offset < end) {
      const text = `two extents of the manifest have byte ${offset} of ${file.path}`;
      throw damaged(manifestPath, text, undefined, start);
    }
    end = offset + toNumber(size, 'extent size');
  }
  for (const extent of manifest.extents) {
    const size = Number(extent.size);
    if (extent.offset + size > file.size || digest(file, { offset: extent.offset, size }) !== extent.sha256) {
      const text = `the bytes of ${hex(extent.start)} in ${file.path} are not those written`;
      throw damaged(file.path, text, extent.offset, extent.start);
    }
  }
  mapRuns(memory, manifest, manifestPath, file);
  return memory;
}

/** Ascending, so that each is put behind the last: the lists may be long, and in any order. */
function mapRuns(
  memory: PhysicalMemory,
  { extents, zeroes }: Manifest,
  manifestPath: string,
  file: MappedFile,
): void {
  const total = zeroes.reduce((sum, { size }) => sum + size, 0n);
  if (total > MAX_ZEROES) throw damaged(manifestPath, `the manifest tells of ${humanSize(total)} of zeroes`);
  let end = 0n;
  const runs: (FileExtent | Region)[] = [...extents, ...zeroes];
  for (const run of runs.sort((a, b) => (a.start < b.start ? -1 : 1))) {
    if (run.start < end || regionEnd(run) > 1n << 64n) {
      throw damaged(
        manifestPath,
        `the manifest has ${hex(run.start)} twice, or beyond 64 bits`,
        undefined,
        run.start,
      );
    }
    end = regionEnd(run);
    if ('offset' in run) file.mapInto(memory, run.start, { offset: run.offset, size: Number(run.size) });
    // Pages that are known to be zero, such as a leaf of the memory map without a bit, are not unknown.
    else memory.mapContents(run.start, toNumber(run.size, 'bytes of zeroes'), ZEROES);
  }
}

const PIECE = 1 << 20;

/** Read, not mapped: what is only checked shall not stay in memory. */
function digest(file: MappedFile, { offset, size }: FileRange): string {
  const hash = createHash('sha256');
  for (let done = 0; done < size; done += PIECE) {
    hash.update(file.read(offset + done, Math.min(PIECE, size - done)));
  }
  return hash.digest('hex');
}

function damaged(file: string, text: string, offset?: number, phys?: bigint): KhoforgeError {
  return new KhoforgeError('IMAGE_DAMAGED', text, {
    where: { file, ...(offset !== undefined && { offset }), ...(phys !== undefined && { phys }) },
    hint: 'build the image again',
  });
}
