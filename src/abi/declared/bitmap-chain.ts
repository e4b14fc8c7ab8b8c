import { defineAbi } from '../entry.ts';
import { declaredLayout, defineStruct, embed, type Platform, u32, u64, u64s } from '../layout.ts';

/** They are no header of their own: the structures of kho-v1 are inside the kernel's source file. */
const SOURCE = 'kernel/kexec_handover.c (6.17, 6.18); kernel/liveupdate/kexec_handover.c (6.19)';

/** Head of a chunk, one page; `num_elms` of `khoser_mem_bitmap_ptr` follow it. */
const khoser_mem_chunk_hdr = defineStruct({
  name: 'khoser_mem_chunk_hdr',
  source: SOURCE,
  packed: false,
  fields: { next: u64, order: u32, num_elms: u32 },
});

/** Element of a chunk: a bitmap, and the physical address of the block that its first bit stands for. */
const khoser_mem_bitmap_ptr = defineStruct({
  name: 'khoser_mem_bitmap_ptr',
  source: SOURCE,
  packed: false,
  fields: { phys_start: u64, bitmap: u64 },
});

/** KHOSER_BITMAP_SIZE: elements of one chunk (kernel/kexec_handover.c, 6.17). */
function khoserBitmapSize(platform: Platform): number {
  const room = platform.pageSize - declaredLayout(khoser_mem_chunk_hdr, platform).size;
  return Math.floor(room / declaredLayout(khoser_mem_bitmap_ptr, platform).size);
}

/** A whole chunk, one page. Each element of `bitmaps` is a khoser_mem_bitmap_ptr, two u64 here. */
const khoser_mem_chunk = defineStruct({
  name: 'khoser_mem_chunk',
  source: SOURCE,
  packed: false,
  fields: {
    ...embed('hdr', khoser_mem_chunk_hdr),
    bitmaps: u64s((platform) => khoserBitmapSize(platform) * 2),
  },
});

/** A bitmap: unsigned longs of the target, lowest bit first. 512 bytes in 6.17. */
const kho_mem_phys_bits_6_17 = defineStruct({
  name: 'kho_mem_phys_bits',
  source: SOURCE,
  packed: false,
  fields: { preserve: u64s(512 / 8) },
});

/** From 6.18 on a page. */
const kho_mem_phys_bits = defineStruct({
  name: 'kho_mem_phys_bits',
  source: SOURCE,
  packed: false,
  fields: { preserve: u64s(({ pageSize }) => pageSize / 8) },
});

export const BITMAP_CHAIN_ABI = defineAbi([
  {
    from: '6.16',
    to: '6.19',
    strings: {
      KHO_FDT_COMPATIBLE: 'kho-v1',
      PROP_PRESERVED_MEMORY_MAP: 'preserved-memory-map',
      PROP_SUB_FDT: 'fdt',
    },
    numbers: { KHOSER_BITMAP_SIZE: khoserBitmapSize },
  },
  { from: '6.16', to: '6.17', struct: kho_mem_phys_bits_6_17, numbers: { PRESERVE_BITS: 512 * 8 } },
  {
    from: '6.18',
    to: '6.19',
    struct: kho_mem_phys_bits,
    numbers: { PRESERVE_BITS: ({ pageSize }) => pageSize * 8 },
  },
  { from: '6.16', to: '6.19', struct: khoser_mem_chunk_hdr },
  { from: '6.16', to: '6.19', struct: khoser_mem_bitmap_ptr },
  { from: '6.16', to: '6.19', struct: khoser_mem_chunk },
]);
