import { defineStruct, u16, u32, u64, u64s } from './layout.ts';

/** Include file: include/linux/kho/abi/kexec_handover.h (7.3), unless a line says otherwise. */
const HEADER = 'include/linux/kho/abi/kexec_handover.h (7.3)';

/** One entry of the scratch array. It has no header: the boot record gives its address and length. */
export const kho_scratch = defineStruct({
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

/** KHO_VMALLOC_ALLOC: the area was made by vmalloc() (kernel/liveupdate/kexec_handover.c, 7.3). */
export const KHO_VMALLOC_ALLOC = 1;
/** KHO_VMALLOC_HUGE_VMAP: it may be mapped with huge pages (same file). */
export const KHO_VMALLOC_HUGE_VMAP = 2;

/** Start of a chunk: physical address of the next one, 0 in the last. */
export const kho_vmalloc_hdr = defineStruct({
  name: 'kho_vmalloc_hdr',
  source: HEADER,
  packed: false,
  fields: { next: u64 },
});

/** One page: link to the next chunk, then physical addresses up to the first zero or the page's end. */
export const kho_vmalloc_chunk = defineStruct({
  name: 'kho_vmalloc_chunk',
  source: HEADER,
  packed: false,
  fields: { next: u64, phys: u64s((target) => (target.pageSize - 8) / 8) },
});

/** One page of physical addresses of the next lower level; 0 is empty. */
export const kho_radix_node = defineStruct({
  name: 'kho_radix_node',
  source: HEADER,
  packed: false,
  fields: { table: u64s((target) => target.pageSize / 8) },
});

/** One page of bits: unsigned longs of the target, lowest bit first. */
export const kho_radix_leaf = defineStruct({
  name: 'kho_radix_leaf',
  source: HEADER,
  packed: false,
  fields: { bitmap: u64s((target) => target.pageSize / 8) },
});
