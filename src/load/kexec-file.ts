import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { writeAll, writeParts } from '../base/files.ts';
import { jsonValue } from '../base/json.ts';
import type { ByteProgress } from '../base/progress.ts';
import type { Region } from '../memory/regions.ts';
import { type OutputOptions, writeDirectory } from '../output/write.ts';
import type { KexecLoad } from './kexec-load.ts';

const IMAGE = 'kexec.img';
const DESCRIPTION = 'kexec.json';
const LOADER = 'kexec-load';

/*
 * kexec.img, all numbers little-endian, read by loader.c:
 *   char magic[8]; u32 version; u32 machine; u64 entry; u32 segments; u32 writes; u32 ram; u32 reserved
 * machine is e_machine of elf(5), which kexec_load(2) has in its flags (KEXEC_ARCH_*, include/uapi/linux/kexec.h).
 *   of each segment: u64 mem, memsz, offset of its buffer in the file, bufsz
 *   of each range that is written, then of each that has to be RAM: u64 start, size
 *   the buffers, each at a page
 */
const MAGIC = 'KHOKEXEC';
const VERSION = 1;
const HEAD_SIZE = 40;
const SEGMENT_SIZE = 32;
const RANGE_SIZE = 16;
const FILE_PAGE = 4096;

export interface KexecDirectory {
  readonly load: KexecLoad;
  /** Of the next kernel. */
  readonly cmdline: string;
  /** The program that loads it. */
  readonly loader?: Uint8Array;
}

export interface KexecOptions extends OutputOptions {
  /** How much of the segments is written. */
  readonly onProgress?: ((progress: ByteProgress) => void) | undefined;
}

/**
 * Writes `kexec.img`, `kexec.json`, which says the same for people and other loaders, and the loader.
 * @returns names of the files
 * @throws KhoforgeError `OUTPUT_EXISTS`, `OUTPUT_IS_LINK`, `OUTPUT_BUSY`, `OUTPUT_FAILED`, `SOURCE_SHRANK`
 */
export function writeKexecDirectory(
  { load, cmdline, loader }: KexecDirectory,
  path: string,
  { onProgress, ...options }: KexecOptions = {},
): string[] {
  const { head, offsets } = headOf(load);
  const files = [IMAGE, ...(loader === undefined ? [] : [LOADER])];
  writeDirectory(path, { ...options, form: 'kexec', mode: load.mode }, (directory) => {
    writeImage(load, join(directory, IMAGE), { head, offsets, onProgress });
    writeFileSync(join(directory, DESCRIPTION), describe(load, cmdline, offsets, files));
    if (loader !== undefined) writeFileSync(join(directory, LOADER), loader, { mode: 0o755 });
  });
  return [DESCRIPTION, ...files];
}

interface Layout {
  readonly head: Buffer;
  readonly offsets: readonly number[];
  readonly onProgress: KexecOptions['onProgress'];
}

function writeImage({ segments }: KexecLoad, path: string, { head, offsets, onProgress }: Layout): void {
  const total = segments.reduce((sum, { bufsz }) => sum + BigInt(bufsz), 0n);
  let done = 0n;
  const told = function* (chunks: Iterable<Uint8Array>) {
    for (const chunk of chunks) {
      yield chunk;
      done += BigInt(chunk.length);
      onProgress?.({ done, total });
    }
  };
  const descriptor = openSync(path, 'w');
  try {
    writeAll(descriptor, head, 0);
    segments.forEach((segment, i) => {
      writeParts(descriptor, told(segment.chunks()), offsets[i] ?? 0);
    });
  } finally {
    closeSync(descriptor);
  }
}

/** Everything before the buffers, and where each of those is. */
function headOf({ arch, entry, segments, writes, ram }: KexecLoad): { head: Buffer; offsets: number[] } {
  const ranges = [...writes, ...ram];
  const size = HEAD_SIZE + segments.length * SEGMENT_SIZE + ranges.length * RANGE_SIZE;
  const head = Buffer.alloc(Math.ceil(size / FILE_PAGE) * FILE_PAGE);
  head.write(MAGIC, 0, 'latin1');
  head.writeUInt32LE(VERSION, 8);
  head.writeUInt32LE(ARCHITECTURES[arch].elfMachine, 12);
  head.writeBigUInt64LE(entry, 16);
  head.writeUInt32LE(segments.length, 24);
  head.writeUInt32LE(writes.length, 28);
  head.writeUInt32LE(ram.length, 32);
  let end = head.length;
  const offsets = segments.map(({ mem, memsz, bufsz }, i) => {
    const offset = end;
    end += Math.ceil(bufsz / FILE_PAGE) * FILE_PAGE;
    writeNumbers(head, HEAD_SIZE + i * SEGMENT_SIZE, [mem, memsz, BigInt(offset), BigInt(bufsz)]);
    return offset;
  });
  ranges.forEach(({ start, size }, i) => {
    writeNumbers(head, HEAD_SIZE + segments.length * SEGMENT_SIZE + i * RANGE_SIZE, [start, size]);
  });
  return { head, offsets };
}

function writeNumbers(head: Buffer, at: number, numbers: readonly bigint[]): void {
  numbers.forEach((number, i) => {
    head.writeBigUInt64LE(number, at + i * 8);
  });
}

function describe(
  load: KexecLoad,
  cmdline: string,
  offsets: readonly number[],
  files: readonly string[],
): string {
  const { arch, entry, kernelVersion } = load;
  const regions = (list: readonly Region[]) => list.map(({ start, size }) => ({ start, size }));
  const segments = load.segments.map(({ name, mem, memsz, bufsz }, i) => ({
    name,
    mem,
    memsz,
    offset: offsets[i],
    bufsz,
  }));
  const ranges = { writes: regions(load.writes), ram: regions(load.ram) };
  const schema = { name: 'khoforge-kexec', version: VERSION };
  const document = { schema, files, arch, entry, kernelVersion, cmdline, file: IMAGE, segments, ...ranges };
  return `${JSON.stringify(document, jsonValue, 2)}\n`;
}
