import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { KhoforgeError } from '../errors.ts';
import { readInput, writeDirectory } from '../files.ts';
import { PhysicalMemory } from '../memory/physical-memory.ts';
import type { Region } from '../memory/regions.ts';
import { hex, humanSize, toNumber } from '../numbers.ts';
import type { Image } from './image.ts';
import { type FileExtent, type Manifest, manifestTarget, manifestText, parseManifest } from './manifest.ts';
import { type FileRange, MappedFile } from './mapped-file.ts';

const MANIFEST = 'manifest.json';
const MEMORY = 'memory.bin';
const FDT = 'kho.dtb';

/** A file beside the image's own, e.g. what boots it. */
export interface ExtraFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Whether `path` is an image directory, or something that may be replaced by one. */
export function isImageDirectory(path: string): boolean {
  return existsSync(join(path, MANIFEST)) && existsSync(join(path, MEMORY));
}

/**
 * Writes `manifest.json`, `memory.bin` and `kho.dtb`: all of them, or nothing.
 * @throws KhoforgeError `OUTPUT_EXISTS`, `OUTPUT_FAILED`
 */
export function writeImageDirectory(image: Image, path: string, extra: readonly ExtraFile[] = []): void {
  writeDirectory(path, isImageDirectory, (directory) => {
    const { extents, zeroes } = writeMemory(image, join(directory, MEMORY));
    writeFileSync(join(directory, FDT), rootFdtBytes(image));
    for (const { name, bytes } of extra) writeFileSync(join(directory, name), bytes);
    writeFileSync(join(directory, MANIFEST), manifestText(image, extents, zeroes));
  });
}

/** Bytes of one extent of memory.bin, so that no more is held in memory at a time. */
const LONGEST_EXTENT = 16 << 20;
/** Zeroes that an image may tell of: they take no memory until they are written. */
const MOST_ZEROES = 64n << 30n;

interface Run {
  readonly start: bigint;
  readonly zero: boolean;
  /** None for zeroes. */
  readonly parts: Uint8Array[];
  end: bigint;
}

/** Runs of pages, by address: of zeroes alone, or of others. */
function* pageRuns(image: Image): Generator<Run> {
  const { pageSize } = image.target;
  const page = BigInt(pageSize);
  let run: Run | undefined;
  for (const address of pageAddresses(image.memory, page)) {
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

/** Every page that some extent touches, once, ascending. */
function* pageAddresses(memory: PhysicalMemory, page: bigint): Generator<bigint> {
  let next = 0n;
  for (const { start, bytes } of memory.extents) {
    const first = start & ~(page - 1n);
    const end = start + BigInt(bytes.length);
    for (let at = first > next ? first : next; at < end; at += page) yield at;
    const last = (end + page - 1n) & ~(page - 1n);
    if (last > next) next = last;
  }
}

function writeMemory(image: Image, file: string): { extents: FileExtent[]; zeroes: Region[] } {
  const extents: FileExtent[] = [];
  const zeroes: Region[] = [];
  const descriptor = openSync(file, 'wx');
  try {
    let offset = 0;
    for (const { start, end, zero, parts } of pageRuns(image)) {
      const size = end - start;
      if (zero) {
        zeroes.push({ start, size });
        continue;
      }
      const bytes = Buffer.concat(parts);
      writeAll(descriptor, bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      extents.push({ start, size, offset, sha256 });
      offset += bytes.length;
    }
  } finally {
    closeSync(descriptor);
  }
  return { extents, zeroes };
}

/** write(2) may take less than it is given, without an error, when a disk is nearly full. */
function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}

/** The root FDT as far as its header says, within the page that the boot record tells. */
function rootFdtBytes(image: Image): Uint8Array {
  const { fdtAddr } = image.bootRecord;
  const page = Buffer.from(image.memory.read(fdtAddr, image.target.pageSize));
  const totalSize = page.readUInt32BE(4);
  return page.subarray(0, Math.min(totalSize, page.length));
}

/**
 * Reads an image directory and checks that its bytes are those that were written.
 * @throws KhoforgeError `FILE_UNREADABLE`, `MANIFEST_INVALID`, `IMAGE_DAMAGED`
 */
export function readImageDirectory(path: string): Image {
  const file = join(path, MANIFEST);
  const manifest = parseManifest(new TextDecoder().decode(readInput(file)), file);
  return {
    target: manifestTarget(manifest),
    ram: manifest.ram,
    bootRecord: manifest.bootRecord,
    scratch: manifest.scratch.map(({ addr, size }) => ({ start: addr, size })),
    memory: readMemory(manifest, join(path, MEMORY)),
    placements: manifest.placements,
    expect: manifest.expect,
  };
}

function readMemory(manifest: Manifest, path: string): PhysicalMemory {
  const memory = new PhysicalMemory();
  const file = new MappedFile(path);
  try {
    for (const { start, size, offset, sha256 } of manifest.extents) {
      const range = { offset, size: toNumber(size, 'extent size') };
      if (offset + range.size > file.size || digest(file, range) !== sha256) {
        throw damaged(path, `the bytes of ${hex(start)} in ${path} are not those written`, offset, start);
      }
      let at = start;
      for (const bytes of file.pieces(range)) {
        memory.map(at, bytes);
        at += BigInt(bytes.length);
      }
    }
  } finally {
    file.close();
  }
  mapZeroes(memory, manifest, path);
  return memory;
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

/** Pages that are known to be zero, such as a leaf of the memory map without a bit: not the same as unknown. */
function mapZeroes(memory: PhysicalMemory, { zeroes }: Manifest, path: string): void {
  const total = zeroes.reduce((sum, { size }) => sum + size, 0n);
  if (total > MOST_ZEROES) throw damaged(path, `the manifest tells of ${humanSize(total)} of zeroes`);
  for (const { start, size } of zeroes) {
    for (let done = 0n; done < size; ) {
      const length = size - done > BigInt(1 << 30) ? 1 << 30 : Number(size - done);
      memory.map(start + done, new Uint8Array(length));
      done += BigInt(length);
    }
  }
}

function damaged(file: string, text: string, offset?: number, phys?: bigint): KhoforgeError {
  return new KhoforgeError('IMAGE_DAMAGED', text, {
    where: { file, ...(offset !== undefined && { offset }), ...(phys !== undefined && { phys }) },
    hint: 'build the image again',
  });
}
