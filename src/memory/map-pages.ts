import { chainBitmapBytes } from '../abi/chain.ts';
import { radixGeometry } from '../abi/radix.ts';
import type { Target } from '../abi/target.ts';
import { hex } from '../base/numbers.ts';
import type { PhysicalMemory } from './physical-memory.ts';

/** One page, or bitmap, that a memory map is made of. */
export interface MapPage {
  readonly start: bigint;
  /** Bytes. */
  readonly size: bigint;
  /** E.g. `leaf 0x306000`. */
  readonly what: string;
  /** Whether the memory has it; what it has not is listed, but leads nowhere. */
  readonly isPresent: boolean;
}

/** Pages that are listed: a leaf of 4 KiB tells of 128 MiB, so that no machine's map has more. */
const LIMIT = 1 << 20;

/** What a preserved memory map stands in, each page once, however damaged it is. */
export function mapPages(target: Target, memory: PhysicalMemory, map: bigint): readonly MapPage[] {
  return target.generation.memoryMap.kind === 'radix'
    ? radixPages(target, memory, map)
    : chainPages(target, memory, map);
}

function radixPages(target: Target, memory: PhysicalMemory, root: bigint): MapPage[] {
  const found = new Map<bigint, MapPage>();
  let level: bigint[] = [root];
  for (let height = radixGeometry(target).depth - 1; height >= 0 && level.length > 0; height--) {
    const below: bigint[] = [];
    for (const start of level) {
      if (found.has(start) || found.size >= LIMIT) continue;
      const page = mapPage(target, memory, start, height === 0 ? 'leaf' : 'node');
      found.set(start, page);
      if (height > 0 && page.isPresent) pushEntries(below, memory.read(start, target.pageSize));
    }
    level = below;
  }
  return [...found.values()];
}

function mapPage({ pageSize }: Target, memory: PhysicalMemory, start: bigint, name: string): MapPage {
  const size = BigInt(pageSize);
  const isPresent = start % size === 0n && start + size <= 1n << 64n && memory.covers(start, pageSize);
  return { start, size, what: `${name} ${hex(start)}`, isPresent };
}

function pushEntries(list: bigint[], bytes: Uint8Array): void {
  const page = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < page.length && list.length < LIMIT; at += 8) {
    const entry = page.readBigUInt64LE(at);
    if (entry !== 0n) list.push(entry);
  }
}

function chainPages(target: Target, memory: PhysicalMemory, first: bigint): MapPage[] {
  const header = target.abi.struct('khoser_mem_chunk_hdr').size;
  const element = target.abi.struct('khoser_mem_bitmap_ptr').size;
  const found = new Map<bigint, MapPage>();
  for (let chunk = first; chunk !== 0n && !found.has(chunk) && found.size < LIMIT; ) {
    const here = mapPage(target, memory, chunk, 'chunk');
    found.set(chunk, here);
    if (!here.isPresent) break;
    const page = memory.read(chunk, target.pageSize);
    const { next, num_elms } = target.abi.struct('khoser_mem_chunk_hdr').decode(page);
    for (let i = 0; i < Math.min(num_elms, target.abi.number('KHOSER_BITMAP_SIZE')); i++) {
      const at = page.subarray(header + i * element);
      const start = target.abi.struct('khoser_mem_bitmap_ptr').decode(at).bitmap;
      found.set(start, bitmapOf(target, memory, start));
    }
    chunk = next;
  }
  return [...found.values()];
}

function bitmapOf(target: Target, memory: PhysicalMemory, start: bigint): MapPage {
  const size = BigInt(chainBitmapBytes(target));
  const isPresent = start + size <= 1n << 64n && memory.covers(start, Number(size));
  return { start, size, what: `bitmap ${hex(start)}`, isPresent };
}
