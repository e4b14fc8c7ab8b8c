import { makeTarget } from '../../src/abi/target.ts';
import { KhoforgeError } from '../../src/base/errors.ts';
import { findNode, getProperty, readFdt } from '../../src/fdt/reader.ts';
import { asCString, asU32Native } from '../../src/fdt/values.ts';
import type { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import { alignedInside, type Region } from '../../src/memory/regions.ts';
import type { Image } from '../../src/model/image.ts';
import { type Inspection, inspect } from '../../src/receive/decode.ts';
import { readVmalloc } from '../../src/users/vmalloc/vmalloc.ts';
import type { Guest } from './guest.ts';

export const PAGE = 4096;
export const TARGET = makeTarget({ release: '7.3' });

/** What a running kernel would hand over, as its own memory holds it. */
export interface LiveHandover {
  readonly guest: Guest;
  /** `uname -r` of the guest. */
  readonly release: string;
  /** The guest's memory. No kexec image was loaded, so the boot record is what one would have carried. */
  readonly image: Image;
  readonly inspection: Inspection;
}

/** Finds the root FDT and the scratch array of a guest. @throws Error unless there is exactly one of each */
export function liveHandover(guest: Guest): LiveHandover {
  const scratch = debugfsScratch(guest);
  const scratchBytes = Buffer.concat(
    scratch.map(({ start, size }) => TARGET.abi.struct('kho_scratch').encode({ addr: start, size })),
  );
  const fdtAddr = onlyPage(guest.memory, 'root FDT', isRootFdt);
  // memblock_alloc(size, PAGE_SIZE) gave it zeroed memory: kho_reserve_scratch() (7.3)
  const scratchAddr = onlyPage(guest.memory, 'scratch array', (page) =>
    scratchBytes.equals(page.subarray(0, scratchBytes.length)),
  );
  const image: Image = {
    target: TARGET,
    ram: usableRam(guest),
    bootRecord: {
      kind: 'setup_data',
      fdtAddr,
      fdtSize: BigInt(PAGE),
      scratchAddr,
      scratchSize: BigInt(scratchBytes.length),
      setupDataType: 10,
      setupDataLen: 32,
    },
    scratch,
    memory: guest.memory,
    placements: [],
    expect: { verdict: 'revived', lines: [], absent: [] },
  };
  return { guest, release: match(guest, /^khoforge-init: start (\S+)$/), image, inspection: inspect(image) };
}

/** The scratch regions as the kernel shows them in debugfs, in the order of its array. */
export function debugfsScratch(guest: Guest): Region[] {
  const column = (file: string) =>
    matches(guest, new RegExp(`^khoforge-init: text out/${file} (0x[0-9a-f]+)$`)).map(BigInt);
  const sizes = column('scratch_len');
  return column('scratch_phys').map((start, i) => ({ start, size: sizes[i] ?? 0n }));
}

/** Whole pages of the ranges that the firmware reports as RAM. */
function usableRam(guest: Guest): Region[] {
  const line = /^BIOS-e820: \[mem (0x[0-9a-f]+-0x[0-9a-f]+)\] +(?:usable|System RAM)$/;
  return matches(guest, line).map((text) => alignedInside(range(text), BigInt(PAGE)));
}

/** `0x1000-0x1fff`: the kernel prints last bytes. */
export function range(text: string): Region {
  const [start = 0n, last = 0n] = text.split('-').map(BigInt);
  return { start, size: last - start + 1n };
}

/** The first group of each console line that matches. */
function matches(guest: Guest, pattern: RegExp): string[] {
  return guest.console.flatMap((line) => pattern.exec(line)?.[1] ?? []);
}

function match(guest: Guest, pattern: RegExp): string {
  const [first] = matches(guest, pattern);
  if (first === undefined) throw new Error(`no console line matches ${pattern}`);
  return first;
}

function isRootFdt(page: Buffer): boolean {
  if (page.readUInt32BE(0) !== 0xd00dfeed) return false;
  try {
    const compatible = getProperty(readFdt(page).root, 'compatible');
    return compatible !== undefined && asCString(compatible.value) === 'kho-v4';
  } catch (error) {
    // What init read from debugfs may be left in free memory: it is cut short.
    if (error instanceof KhoforgeError) return false;
    throw error;
  }
}

function onlyPage(memory: PhysicalMemory, what: string, wanted: (page: Buffer) => boolean): bigint {
  const found: bigint[] = [];
  for (const { start, bytes } of memory.extents) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < buffer.length; at += PAGE) {
      if (wanted(buffer.subarray(at, at + PAGE))) found.push(start + BigInt(at));
    }
  }
  const [first, ...more] = found;
  if (first === undefined || more.length > 0) throw new Error(`${found.length} pages look like the ${what}`);
  return first;
}

/** What lib/test_kho.c keeps: kho_test_preserve() (7.3). */
export interface TestData {
  readonly nrFolios: number;
  readonly csum: number;
  /** Pages that hold the list of folios. */
  readonly pages: readonly bigint[];
  readonly chunks: readonly bigint[];
  readonly folios: readonly { readonly phys: bigint; readonly order: number }[];
}

/** Follows the test FDT to everything it refers to. */
export function testData(memory: PhysicalMemory, fdt: bigint): TestData {
  const data = findNode(readFdt(memory.read(fdt, PAGE)).root, '/data');
  const value = (name: string) => (data && getProperty(data, name)?.value) ?? new Uint8Array();
  const descriptor = TARGET.abi.struct('kho_vmalloc').decode(value('folios_info'));
  const area = readVmalloc(memory, TARGET, descriptor);
  if (area.problems.length > 0) throw new Error(area.problems.join(', '));
  const nrFolios = asU32Native(value('nr_folios'), 'little') ?? 0;
  const list = Buffer.concat(area.blocks.map((page) => memory.read(page, PAGE)));
  const folios = Array.from({ length: nrFolios }, (_, i) => {
    const entry = list.readBigUInt64LE(i * 8);
    return { phys: entry & ~0xfffn, order: Number(entry & 0xfffn) };
  });
  const chunks = chain(memory, descriptor.first);
  return { nrFolios, csum: asU32Native(value('csum'), 'little') ?? 0, pages: area.blocks, chunks, folios };
}

function chain(memory: PhysicalMemory, first: bigint): bigint[] {
  const chunks: bigint[] = [];
  for (let chunk = first; chunk !== 0n; ) {
    chunks.push(chunk);
    chunk = TARGET.abi.struct('kho_vmalloc_chunk').decode(memory.read(chunk, PAGE)).next;
  }
  return chunks;
}
