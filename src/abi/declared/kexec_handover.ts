import { defineAbi } from '../entry.ts';
import { defineStruct, type Platform, u16, u32, u64, u64s } from '../layout.ts';

/** Include file: include/linux/kho/abi/kexec_handover.h (7.3), unless a line says otherwise. */
const HEADER = 'include/linux/kho/abi/kexec_handover.h (7.3)';

/** One entry of the scratch array. It has no header: the boot record gives its address and length. */
const kho_scratch = defineStruct({
  name: 'kho_scratch',
  source: 'include/asm-generic/kexec_handover.h (7.3); include/linux/kexec_handover.h (to 7.2)',
  packed: false,
  fields: { addr: u64, size: u64 },
});

/** Describes a preserved vmalloc area. */
export const kho_vmalloc = defineStruct({
  name: 'kho_vmalloc',
  source: HEADER,
  packed: false,
  fields: { first: u64, total_pages: u32, flags: u16, order: u16 },
});

/** Start of a chunk: physical address of the next one, 0 in the last. */
const kho_vmalloc_hdr = defineStruct({
  name: 'kho_vmalloc_hdr',
  source: HEADER,
  packed: false,
  fields: { next: u64 },
});

/** One page: link to the next chunk, then physical addresses up to the first zero or the page's end. */
const kho_vmalloc_chunk = defineStruct({
  name: 'kho_vmalloc_chunk',
  source: HEADER,
  packed: false,
  fields: { next: u64, phys: u64s(({ pageSize }) => (pageSize - 8) / 8) },
});

/** One page of physical addresses of the next lower level; 0 is empty. */
const kho_radix_node = defineStruct({
  name: 'kho_radix_node',
  source: HEADER,
  packed: false,
  fields: { table: u64s(({ pageSize }) => pageSize / 8) },
});

/** One page of bits: unsigned longs of the target, lowest bit first. */
const kho_radix_leaf = defineStruct({
  name: 'kho_radix_leaf',
  source: HEADER,
  packed: false,
  fields: { bitmap: u64s(({ pageSize }) => pageSize / 8) },
});

const tableSizeLog2 = ({ pageShift }: Platform) => pageShift - 3;
const bitmapSizeLog2 = ({ pageShift }: Platform) => pageShift + 3;
const order0Log2 = ({ pageShift }: Platform) => 64 - pageShift;
/** The PFN plus one bit for the order. */
const keyWidth = (platform: Platform) => order0Log2(platform) + 1;
/** Levels for a key of so many bits, the leaf included: `enum kho_radix_consts`. */
const depthFor = (bits: number, platform: Platform) =>
  Math.ceil((bits - bitmapSizeLog2(platform)) / tableSizeLog2(platform)) + 1;

export const KEXEC_HANDOVER_ABI = defineAbi([
  // include/linux/kexec_handover.h, include/asm-generic/kexec_handover.h (7.3)
  { from: '6.16', struct: kho_scratch },

  // include/linux/kho/abi/kexec_handover.h from 7.0 on; kernel/kexec_handover.c or kernel/liveupdate/ before
  { from: '6.18', struct: kho_vmalloc },
  { from: '6.18', struct: kho_vmalloc_hdr },
  {
    from: '6.18',
    struct: kho_vmalloc_chunk,
    names: { next: 'hdr.next' },
    members: { hdr: 'kho_vmalloc_hdr' },
  },
  {
    from: '6.18',
    // ALLOC: the area was made by vmalloc(); HUGE_VMAP: it may be mapped with huge pages
    numbers: {
      KHO_VMALLOC_ALLOC: 1,
      KHO_VMALLOC_HUGE_VMAP: 2,
      KHO_VMALLOC_SIZE: ({ pageSize }) => (pageSize - 8) / 8,
    },
  },
  { from: '7.0', to: '7.0', strings: { KHO_FDT_COMPATIBLE: 'kho-v2' } },
  { from: '7.1', to: '7.1', strings: { KHO_FDT_COMPATIBLE: 'kho-v3' } },
  { from: '7.2', strings: { KHO_FDT_COMPATIBLE: 'kho-v4' } },
  {
    from: '7.0',
    strings: {
      KHO_FDT_MEMORY_MAP_PROP_NAME: 'preserved-memory-map',
      KHO_SUB_TREE_PROP_NAME: 'preserved-data',
    },
    formerly: {
      KHO_FDT_MEMORY_MAP_PROP_NAME: 'PROP_PRESERVED_MEMORY_MAP',
      KHO_SUB_TREE_PROP_NAME: 'PROP_SUB_FDT',
    },
    numbers: { KHO_TABLE_SIZE_LOG2: tableSizeLog2, KHO_BITMAP_SIZE_LOG2: bitmapSizeLog2 },
  },
  // 7.0 computes the depth without the order bit, which costs it a level on 16 KiB pages.
  {
    from: '7.0',
    to: '7.0',
    numbers: { KHO_TREE_MAX_DEPTH: (platform) => depthFor(order0Log2(platform), platform) },
  },
  {
    from: '7.1',
    strings: { KHO_SUB_TREE_SIZE_PROP_NAME: 'blob-size' },
    numbers: { KHO_TREE_MAX_DEPTH: (platform) => depthFor(keyWidth(platform), platform) },
  },
  { from: '7.0', to: '7.2', numbers: { KHO_ORDER_0_LOG2: order0Log2 } },
  { from: '7.3', numbers: { KHO_RADIX_KEY_WIDTH: keyWidth } },
  { from: '7.0', struct: kho_radix_node },
  { from: '7.0', struct: kho_radix_leaf },
]);
