import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { KhoforgeError } from '../errors.ts';
import { readInput, writeDirectory } from '../files.ts';
import { PhysicalMemory } from '../memory/physical-memory.ts';
import { hex, toNumber } from '../numbers.ts';
import type { Image } from './image.ts';
import { type FileExtent, type Manifest, manifestTarget, manifestText, parseManifest } from './manifest.ts';

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
    const extents = writeMemory(image, join(directory, MEMORY));
    writeFileSync(join(directory, FDT), rootFdtBytes(image));
    for (const { name, bytes } of extra) writeFileSync(join(directory, name), bytes);
    writeFileSync(join(directory, MANIFEST), manifestText(image, extents));
  });
}

/** Runs of pages that are not all zero, by address. */
function* nonZeroRuns(image: Image): Generator<{ start: bigint; bytes: Uint8Array }> {
  const { pageSize } = image.target;
  const page = BigInt(pageSize);
  let run: { start: bigint; parts: Uint8Array[]; end: bigint } | undefined;
  for (const address of pageAddresses(image.memory, page)) {
    const bytes = image.memory.read(address, pageSize);
    if (bytes.every((byte) => byte === 0)) continue;
    if (run && run.end === address) {
      run.parts.push(bytes);
      run.end += page;
      continue;
    }
    if (run) yield { start: run.start, bytes: Buffer.concat(run.parts) };
    run = { start: address, parts: [bytes], end: address + page };
  }
  if (run) yield { start: run.start, bytes: Buffer.concat(run.parts) };
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

function writeMemory(image: Image, file: string): FileExtent[] {
  const extents: FileExtent[] = [];
  const descriptor = openSync(file, 'wx');
  try {
    let offset = 0;
    for (const { start, bytes } of nonZeroRuns(image)) {
      writeAll(descriptor, bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      extents.push({ start, size: BigInt(bytes.length), offset, sha256 });
      offset += bytes.length;
    }
  } finally {
    closeSync(descriptor);
  }
  return extents;
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

function readMemory(manifest: Manifest, file: string): PhysicalMemory {
  const content = readInput(file);
  const memory = new PhysicalMemory();
  for (const { start, size, offset, sha256 } of manifest.extents) {
    const length = toNumber(size, 'extent size');
    const bytes = content.subarray(offset, offset + length);
    if (bytes.length !== length || createHash('sha256').update(bytes).digest('hex') !== sha256) {
      throw new KhoforgeError(
        'IMAGE_DAMAGED',
        `the bytes of ${hex(start)} in ${file} are not those written`,
        {
          where: { file, offset, phys: start },
          hint: 'build the image again',
        },
      );
    }
    memory.map(start, bytes);
  }
  return memory;
}
