import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { type Extent, PhysicalMemory } from '../../src/memory/physical-memory.ts';
import type { Image } from '../../src/model/image.ts';
import { allBytes } from '../memory/all-bytes.ts';

/** A program header to write; `bytes` are put at the end of the file, one after the other. */
export interface Load {
  start: bigint;
  bytes: Uint8Array;
  /** p_filesz, when it is to lie. */
  size?: bigint;
  /** p_offset, when it is to lie. */
  offset?: bigint;
}

export interface CoreOptions {
  machine?: number;
  type?: number;
  vmcoreinfo?: string;
  /** Writes the count into section 0, as more than 65534 segments need it. */
  extended?: boolean;
}

/** An ELF64 core by elf(5), written without any of khoforge's own code. */
export function elfCore(loads: readonly Load[], options: CoreOptions = {}): Buffer {
  const note = options.vmcoreinfo === undefined ? [] : [vmcoreinfo(options.vmcoreinfo)];
  const count = loads.length + note.length;
  const extended = options.extended ?? count >= 0xffff;
  const sectionsAt = extended ? 64 + 56 * count : 0;
  const header = Buffer.alloc(64);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(header);
  header.writeUInt16LE(options.type ?? 4, 16);
  header.writeUInt16LE(options.machine ?? 62, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(64n, 32);
  header.writeBigUInt64LE(BigInt(sectionsAt), 40);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(extended ? 0xffff : count, 56);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(extended ? 1 : 0, 60);
  const section = Buffer.alloc(extended ? 64 : 0);
  if (extended) section.writeUInt32LE(count, 44);
  // An odd place, as QEMU's: memory is aligned to nothing in the file.
  let at = 64 + 56 * count + section.length + 8;
  const table: Buffer[] = [];
  for (const bytes of note) {
    table.push(programHeader(4, BigInt(at), 0n, BigInt(bytes.length)));
    at += bytes.length;
  }
  for (const { start, bytes, size, offset } of loads) {
    table.push(programHeader(1, offset ?? BigInt(at), start, size ?? BigInt(bytes.length)));
    at += bytes.length;
  }
  const contents = loads.map(({ bytes }) => bytes);
  return Buffer.concat([header, ...table, section, Buffer.alloc(8), ...note, ...contents]);
}

function programHeader(type: number, offset: bigint, phys: bigint, size: bigint): Buffer {
  const header = Buffer.alloc(56);
  header.writeUInt32LE(type, 0);
  header.writeBigUInt64LE(offset, 8);
  header.writeBigUInt64LE(phys, 24);
  header.writeBigUInt64LE(size, 32);
  header.writeBigUInt64LE(size, 40);
  return header;
}

function vmcoreinfo(text: string): Buffer {
  const name = Buffer.from('VMCOREINFO\0\0');
  const head = Buffer.alloc(12);
  head.writeUInt32LE(11, 0);
  head.writeUInt32LE(text.length, 4);
  return Buffer.concat([head, name, Buffer.from(text), Buffer.alloc((4 - (text.length % 4)) % 4)]);
}

/** x86: the setup_data record that leads to an image's handover. */
export function setupDataRecord({ bootRecord }: Image): Uint8Array {
  if (bootRecord.kind !== 'setup_data') throw new Error(`a boot record of kind ${bootRecord.kind}`);
  const { setupDataType, setupDataLen, fdtAddr, fdtSize, scratchAddr, scratchSize } = bootRecord;
  const record = Buffer.alloc(16 + 32);
  record.writeUInt32LE(setupDataType, 8);
  record.writeUInt32LE(setupDataLen, 12);
  [fdtAddr, fdtSize, scratchAddr, scratchSize].forEach((value, i) => {
    record.writeBigUInt64LE(value, 16 + i * 8);
  });
  return record;
}

/** A copy of an image's memory, to which more can be written. */
export function copyMemory({ memory }: Image): PhysicalMemory {
  const copy = new PhysicalMemory();
  for (const { start, bytes } of allBytes(memory)) copy.map(start, Uint8Array.from(bytes));
  return copy;
}

/** Memory in whole pages, zeroes between what is written: as a machine has it. */
export function asLoads(memory: PhysicalMemory, page = 4096n): Extent[] {
  const starts = new Set<bigint>();
  for (const { start, bytes } of allBytes(memory)) {
    for (let at = start & ~(page - 1n); at < start + BigInt(bytes.length); at += page) starts.add(at);
  }
  return [...starts].map((start) => ({ start, bytes: memory.read(start, Number(page)) }));
}

/** A folder for the files of one test file. */
export function filesFolder(): (name: string, bytes: Uint8Array) => string {
  const folder = mkdtempSync(join(tmpdir(), 'khoforge-image-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name, bytes) => {
    const path = join(folder, name);
    // A new file each time: ext4 waits for the disk where one that was just written is cut and written again.
    rmSync(path, { force: true });
    writeFileSync(path, bytes);
    return path;
  };
}
