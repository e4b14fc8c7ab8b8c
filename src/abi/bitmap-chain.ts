import { KhoforgeError } from '../base/errors.ts';
import { defineStruct, embed, layoutOf, u32, u64, u64s } from './layout.ts';
import type { Target } from './target.ts';

/** They are no header of their own: the structures of kho-v1 are inside the kernel's source file. */
const SOURCE = 'kernel/kexec_handover.c (6.17, 6.18); kernel/liveupdate/kexec_handover.c (6.19)';

/** Head of a chunk, one page; `num_elms` of `khoser_mem_bitmap_ptr` follow it. */
export const khoser_mem_chunk_hdr = defineStruct({
  name: 'khoser_mem_chunk_hdr',
  source: SOURCE,
  packed: false,
  fields: { next: u64, order: u32, num_elms: u32 },
});

/** Element of a chunk: a bitmap, and the physical address of the block that its first bit stands for. */
export const khoser_mem_bitmap_ptr = defineStruct({
  name: 'khoser_mem_bitmap_ptr',
  source: SOURCE,
  packed: false,
  fields: { phys_start: u64, bitmap: u64 },
});

/** KHOSER_BITMAP_SIZE: elements of one chunk (kernel/kexec_handover.c, 6.17). */
export function khoserBitmapSize(target: Target): number {
  const room = target.pageSize - layoutOf(khoser_mem_chunk_hdr, target).size;
  return Math.floor(room / layoutOf(khoser_mem_bitmap_ptr, target).size);
}

/** A whole chunk, one page. Each element of `bitmaps` is a khoser_mem_bitmap_ptr, two u64 here. */
export const khoser_mem_chunk = defineStruct({
  name: 'khoser_mem_chunk',
  source: SOURCE,
  packed: false,
  fields: {
    ...embed('hdr', khoser_mem_chunk_hdr),
    bitmaps: u64s((target) => khoserBitmapSize(target) * 2),
  },
});

/** A bitmap: unsigned longs of the target, lowest bit first. */
export const kho_mem_phys_bits = defineStruct({
  name: 'kho_mem_phys_bits',
  source: SOURCE,
  packed: false,
  fields: { preserve: u64s((target) => chainBitmapBytes(target) / 8) },
});

/**
 * Bytes of one bitmap (PRESERVE_BITS / 8).
 * @throws KhoforgeError `NOT_BITMAP_CHAIN` when the target's memory map is no chain of bitmaps
 */
export function chainBitmapBytes({
  generation,
  pageShift,
}: Pick<Target, 'generation' | 'pageShift'>): number {
  const { memoryMap, name } = generation;
  if (memoryMap.kind === 'bitmap-chain') return memoryMap.bitmapBytes(2 ** pageShift);
  throw new KhoforgeError('NOT_BITMAP_CHAIN', `the memory map of ${name} is a ${memoryMap.kind}`);
}
