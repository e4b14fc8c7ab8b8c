import { chainBitmapBytes, khoser_mem_bitmap_ptr, khoser_mem_chunk_hdr } from '../abi/bitmap-chain.ts';
import { decodeStruct, layoutOf } from '../abi/layout.ts';
import { radixGeometry } from '../abi/radix.ts';
import type { Target } from '../abi/target.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { Region } from '../memory/regions.ts';

/** Pages that are followed: more than the map of any machine has (a leaf of 4 KiB tells of 128 MiB). */
const MOST_PAGES = 1 << 22;

/** The memory that a preserved memory map stands in, each page once; what cannot be read leads nowhere. */
export function mapRegions(target: Target, memory: PhysicalMemory, map: bigint): Region[] {
  return target.generation.memoryMap.kind === 'radix'
    ? radixRegions(target, memory, map)
    : chainRegions(target, memory, map);
}

function radixRegions(target: Target, memory: PhysicalMemory, root: bigint): Region[] {
  const size = BigInt(target.pageSize);
  const seen = new Set<bigint>([root]);
  let level = [root];
  for (let height = radixGeometry(target).depth - 1; height > 0; height--) {
    const below: bigint[] = [];
    for (const phys of level) {
      for (const entry of words(memory, phys, target.pageSize)) {
        if (entry === 0n || seen.has(entry) || seen.size >= MOST_PAGES) continue;
        seen.add(entry);
        below.push(entry);
      }
    }
    level = below;
  }
  return [...seen].filter((phys) => memory.covers(phys, target.pageSize)).map((start) => ({ start, size }));
}

function words(memory: PhysicalMemory, phys: bigint, size: number): bigint[] {
  if (!memory.covers(phys, size)) return [];
  const page = Buffer.from(memory.read(phys, size));
  return Array.from({ length: size / 8 }, (_, i) => page.readBigUInt64LE(i * 8));
}

function chainRegions(target: Target, memory: PhysicalMemory, first: bigint): Region[] {
  const bitmap = BigInt(chainBitmapBytes(target));
  const header = layoutOf(khoser_mem_chunk_hdr, target).size;
  const element = layoutOf(khoser_mem_bitmap_ptr, target).size;
  const chunks = new Set<bigint>();
  const bitmaps = new Set<bigint>();
  for (let chunk = first; chunk !== 0n && !chunks.has(chunk) && chunks.size < MOST_PAGES; ) {
    if (!memory.covers(chunk, target.pageSize)) break;
    chunks.add(chunk);
    const page = memory.read(chunk, target.pageSize);
    const { next, num_elms } = decodeStruct(khoser_mem_chunk_hdr, target, page);
    const count = Math.min(num_elms, Math.floor((target.pageSize - header) / element));
    for (let i = 0; i < count; i++) {
      bitmaps.add(decodeStruct(khoser_mem_bitmap_ptr, target, page.subarray(header + i * element)).bitmap);
    }
    chunk = next;
  }
  const present = [...bitmaps].filter((phys) => memory.covers(phys, Number(bitmap)));
  return [
    ...[...chunks].map((start) => ({ start, size: BigInt(target.pageSize) })),
    ...present.map((start) => ({ start, size: bitmap })),
  ];
}
