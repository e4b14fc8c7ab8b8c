import { khoser_mem_bitmap_ptr, khoser_mem_chunk_hdr } from './bitmap-chain.ts';
import { defineStruct, embed, layoutOf, u64s } from './layout.ts';
import type { Target } from './target.ts';

/** KHOSER_BITMAP_SIZE: elements of one chunk (kernel/kexec_handover.c, 6.17). */
export function khoserBitmapSize(target: Target): number {
  const room = target.pageSize - layoutOf(khoser_mem_chunk_hdr, target).size;
  return Math.floor(room / layoutOf(khoser_mem_bitmap_ptr, target).size);
}

/** A whole chunk, one page. Each element of `bitmaps` is a khoser_mem_bitmap_ptr, two u64 here. */
export const khoser_mem_chunk = defineStruct({
  name: 'khoser_mem_chunk',
  source: khoser_mem_chunk_hdr.source,
  packed: false,
  fields: {
    ...embed('hdr', khoser_mem_chunk_hdr),
    bitmaps: u64s((target) => khoserBitmapSize(target) * 2),
  },
});

export { chainBitmapBytes as preserveBytes } from './bitmap-chain.ts';
