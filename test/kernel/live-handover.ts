import { makeTarget } from '../../src/abi/target.ts';
import { findNode, getProperty, readFdt } from '../../src/fdt/reader.ts';
import { asU32Native } from '../../src/fdt/values.ts';
import type { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import type { Region } from '../../src/memory/regions.ts';
import type { Image } from '../../src/model/image.ts';
import { type Inspection, inspect } from '../../src/receive/decode.ts';
import { readVmalloc } from '../../src/users/vmalloc/vmalloc.ts';
import { allBytes } from '../memory/all-bytes.ts';
import type { LiveGuest } from './guest.ts';

export const PAGE = 4096;
export const TARGET = makeTarget({ release: '7.3' });

/** What a running kernel would hand over, as its own memory holds it. */
export interface LiveHandover {
  readonly console: readonly string[];
  /** `uname -r` of the guest. */
  readonly release: string;
  /** Found in the guest's memory. No kexec image was loaded, so the boot record is what one would have carried. */
  readonly image: Image;
  readonly inspection: Inspection;
}

/** The handover of a guest, whose scratch is where debugfs shows it. */
export function liveHandover({ console, source: { image } }: LiveGuest): LiveHandover {
  const [release = ''] = matches(console, /^khoforge-init: start (\S+)$/);
  const scratch = debugfsScratch(console);
  return { console, release, image: { ...image, scratch }, inspection: inspect(image) };
}

/** The scratch regions as the kernel shows them in debugfs, in the order of its array. */
export function debugfsScratch(console: readonly string[]): Region[] {
  const column = (file: string) =>
    matches(console, new RegExp(`^khoforge-init: text out/${file} (0x[0-9a-f]+)$`)).map(BigInt);
  const sizes = column('scratch_len');
  return column('scratch_phys').map((start, i) => ({ start, size: sizes[i] ?? 0n }));
}

/** Pages that begin with these bytes: the kernel's array of scratch has a page of its own (kho_reserve_scratch(), 7.3). */
export function pagesWith(memory: PhysicalMemory, wanted: Uint8Array): bigint[] {
  return allBytes(memory).flatMap(({ start, bytes }) => {
    const found: bigint[] = [];
    for (let at = 0; at < bytes.length; at += PAGE) {
      if (Buffer.compare(bytes.subarray(at, at + wanted.length), wanted) === 0)
        found.push(start + BigInt(at));
    }
    return found;
  });
}

/** The first group of each line that matches. */
function matches(lines: readonly string[], pattern: RegExp): string[] {
  return lines.flatMap((line) => pattern.exec(line)?.[1] ?? []);
}

/** `0x1000-0x1fff`: the kernel prints last bytes. */
export function range(text: string): Region {
  const [start = 0n, last = 0n] = text.split('-').map(BigInt);
  return { start, size: last - start + 1n };
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
