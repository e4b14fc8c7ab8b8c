import { KHO_METADATA_NODE_NAME, kho_kexec_metadata, NEW_UTS_LEN } from '../users/kexec-metadata/abi.ts';
import * as test from '../users/kho-test/abi.ts';
import * as luo from '../users/luo/abi.ts';
import * as memfd from '../users/memfd/abi.ts';
import * as memblock from '../users/reserve-mem/abi.ts';
import {
  chainBitmapBytes,
  kho_mem_phys_bits,
  khoser_mem_bitmap_ptr,
  khoser_mem_chunk,
  khoser_mem_chunk_hdr,
  khoserBitmapSize,
} from './bitmap-chain.ts';
import { KHO_MAX_BLOCKS, kho_block_header_ser, khoBlockSize } from './block.ts';
import { LINUX_KHO_FDT, LINUX_KHO_SCRATCH } from './chosen.ts';
import {
  KHO_VMALLOC_ALLOC,
  KHO_VMALLOC_HUGE_VMAP,
  kho_radix_leaf,
  kho_radix_node,
  kho_scratch,
  kho_vmalloc,
  kho_vmalloc_chunk,
  kho_vmalloc_hdr,
} from './kexec_handover.ts';
import type { StructDef } from './layout.ts';
import { radixGeometry } from './radix.ts';
import { kho_data, SETUP_KEXEC_KHO, setup_data } from './setup_data.ts';
import type { Arch, Target } from './target.ts';

/** The kernel releases whose ABI khoforge knows, oldest first. */
export const RELEASES = ['6.17', '6.18', '6.19', '7.0', '7.1', '7.2', '7.3'] as const;

type Known<T> = T | ((target: Target) => T);

/** Things of the ABI that appear and disappear together. */
export interface AbiEntry {
  /** First and last series that has it. */
  readonly from: string;
  readonly to?: string;
  readonly arch?: Arch;
  readonly struct?: StructDef;
  /** What the kernel calls a field that we name otherwise. */
  readonly names?: Readonly<Record<string, string>>;
  readonly numbers?: Readonly<Record<string, Known<number>>>;
  readonly strings?: Readonly<Record<string, Known<string>>>;
  /** Bytes of what is read from a device tree's property. */
  readonly properties?: Readonly<Record<string, Known<number>>>;
}

const v1 = { from: '6.16', to: '6.19' } as const;
const v2 = { from: '7.0' } as const;
const luoFdt = { from: '6.19', to: '7.1' } as const;

/**
 * Which release has which structure, constant and string, under the kernel's names. Each value is the one that
 * khoforge emits and reads, so that comparing this with a tree's headers tests khoforge.
 */
export const ABI: readonly AbiEntry[] = [
  // include/linux/kexec_handover.h, include/asm-generic/kexec_handover.h (7.3)
  { from: '6.16', struct: kho_scratch },

  // kernel/kexec_handover.c, kernel/liveupdate/kexec_handover.c (6.19)
  {
    ...v1,
    strings: {
      KHO_FDT_COMPATIBLE: (target) => target.generation.compatible,
      PROP_PRESERVED_MEMORY_MAP: (target) => target.generation.memoryMapProperty,
      PROP_SUB_FDT: (target) => target.generation.blobProperty,
    },
    numbers: {
      PRESERVE_BITS: (target) => chainBitmapBytes(target) * 8,
      KHOSER_BITMAP_SIZE: khoserBitmapSize,
    },
  },
  { ...v1, struct: kho_mem_phys_bits },
  { ...v1, struct: khoser_mem_chunk_hdr },
  { ...v1, struct: khoser_mem_bitmap_ptr },
  { ...v1, struct: khoser_mem_chunk },
  {
    from: '6.18',
    numbers: { KHO_VMALLOC_ALLOC, KHO_VMALLOC_HUGE_VMAP },
  },

  // include/linux/kho/abi/kexec_handover.h; struct kho_vmalloc* also in the files above before
  { from: '6.18', struct: kho_vmalloc },
  { from: '6.18', struct: kho_vmalloc_hdr },
  { from: '6.18', struct: kho_vmalloc_chunk, names: { next: 'hdr.next' } },
  { from: '6.18', numbers: { KHO_VMALLOC_SIZE: (target) => (target.pageSize - 8) / 8 } },
  {
    ...v2,
    strings: {
      KHO_FDT_COMPATIBLE: (target) => target.generation.compatible,
      KHO_FDT_MEMORY_MAP_PROP_NAME: (target) => target.generation.memoryMapProperty,
      KHO_SUB_TREE_PROP_NAME: (target) => target.generation.blobProperty,
    },
    numbers: {
      KHO_TABLE_SIZE_LOG2: (target) => radixGeometry(target).tableSizeLog2,
      KHO_BITMAP_SIZE_LOG2: (target) => radixGeometry(target).bitmapSizeLog2,
      KHO_TREE_MAX_DEPTH: (target) => radixGeometry(target).depth,
    },
  },
  {
    from: '7.1',
    strings: { KHO_SUB_TREE_SIZE_PROP_NAME: (target) => target.generation.blobSizeProperty ?? '' },
  },
  { from: '7.0', to: '7.2', numbers: { KHO_ORDER_0_LOG2: (target) => 64 - target.pageShift } },
  { from: '7.3', numbers: { KHO_RADIX_KEY_WIDTH: (target) => radixKeyWidth(target) } },
  { ...v2, struct: kho_radix_node },
  { ...v2, struct: kho_radix_leaf },

  // include/linux/kho/abi/kexec_metadata.h
  { from: '7.1', struct: kho_kexec_metadata },
  {
    from: '7.1',
    strings: { KHO_METADATA_NODE_NAME },
    numbers: { KHO_KEXEC_METADATA_VERSION: (target) => target.generation.kexecMetadataVersion ?? 0 },
  },
  { from: '6.16', numbers: { __NEW_UTS_LEN: NEW_UTS_LEN } },

  // include/linux/kho/abi/block.h, kernel/liveupdate/kho_block.c
  { from: '7.2', struct: kho_block_header_ser },
  { from: '7.2', numbers: { KHO_BLOCK_SIZE: khoBlockSize, KHO_MAX_BLOCKS } },

  // include/linux/kho/abi/luo.h, kernel/liveupdate/luo_*.c
  {
    ...luoFdt,
    strings: {
      LUO_FDT_KHO_ENTRY_NAME: luo.LUO_KHO_ENTRY_NAME,
      LUO_FDT_COMPATIBLE: luo.LUO_FDT_COMPATIBLE,
      LUO_FDT_LIVEUPDATE_NUM: luo.LUO_FDT_LIVEUPDATE_NUM,
      LUO_FDT_SESSION_NODE_NAME: luo.LUO_FDT_SESSION_NODE_NAME,
      LUO_FDT_SESSION_COMPATIBLE: luo.LUO_FDT_SESSION_COMPATIBLE,
      LUO_FDT_SESSION_HEADER: luo.LUO_FDT_SESSION_HEADER,
    },
    numbers: {
      LUO_FDT_SIZE: (target) => target.pageSize,
      LUO_SESSION_PGCNT: luo.LUO_SESSION_PGCNT,
      LUO_SESSION_MAX: (target) =>
        luo.luoArrayMax(target, luo.LUO_SESSION_PGCNT, luo.luo_session_header_ser, luo.luo_session_ser),
      LUO_FILE_PGCNT: luo.LUO_FILE_PGCNT,
      LUO_FILE_MAX: luo.luoFileMax,
    },
  },
  { ...luoFdt, struct: luo.luo_session_header_ser },
  {
    from: '6.19',
    numbers: {
      LIVEUPDATE_HNDL_COMPAT_LENGTH: luo.LIVEUPDATE_HNDL_COMPAT_LENGTH,
      LIVEUPDATE_SESSION_NAME_LENGTH: luo.LIVEUPDATE_SESSION_NAME_LENGTH,
    },
  },
  { from: '6.19', struct: luo.luo_file_ser },
  { from: '6.19', struct: luo.luo_file_set_ser },
  { from: '6.19', struct: luo.luo_session_ser },
  {
    from: '7.1',
    to: '7.1',
    strings: {
      LUO_FDT_FLB_NODE_NAME: luo.LUO_FDT_FLB_NODE_NAME,
      LUO_FDT_FLB_COMPATIBLE: luo.LUO_FDT_FLB_COMPATIBLE,
      LUO_FDT_FLB_HEADER: luo.LUO_FDT_FLB_HEADER,
    },
  },
  {
    from: '7.1',
    numbers: {
      LIVEUPDATE_FLB_COMPAT_LENGTH: luo.LIVEUPDATE_FLB_COMPAT_LENGTH,
      LUO_FLB_PGCNT: luo.LUO_FLB_PGCNT,
      LUO_FLB_MAX: (target) =>
        luo.luoArrayMax(target, luo.LUO_FLB_PGCNT, luo.luo_flb_header_ser, luo.luo_flb_ser),
    },
  },
  { from: '7.1', struct: luo.luo_flb_header_ser },
  { from: '7.1', struct: luo.luo_flb_ser },
  { from: '7.2', struct: luo.luo_ser },
  {
    from: '7.2',
    strings: { LUO_KHO_ENTRY_NAME: luo.LUO_KHO_ENTRY_NAME, LUO_ABI_COMPATIBLE: luo.LUO_ABI_COMPATIBLE },
    numbers: { LUO_ABI_COMPAT_LEN: luo.LUO_ABI_COMPAT_LEN },
  },

  // include/linux/kho/abi/memfd.h
  {
    from: '6.19',
    numbers: {
      MEMFD_LUO_FOLIO_DIRTY: memfd.MEMFD_LUO_FOLIO_DIRTY,
      MEMFD_LUO_FOLIO_UPTODATE: memfd.MEMFD_LUO_FOLIO_UPTODATE,
    },
  },
  { from: '6.19', struct: memfd.memfd_luo_folio_ser },
  { from: '6.19', to: '6.19', struct: memfd.memfd_luo_ser_v1 },
  { from: '6.19', to: '6.19', strings: { MEMFD_LUO_FH_COMPATIBLE: memfd.MEMFD_LUO_FH_COMPATIBLE_V1 } },
  { from: '7.1', struct: memfd.memfd_luo_ser_v2 },
  {
    from: '7.1',
    strings: { MEMFD_LUO_FH_COMPATIBLE: memfd.MEMFD_LUO_FH_COMPATIBLE_V2 },
    numbers: { MEMFD_LUO_ALL_SEALS: memfd.MEMFD_LUO_ALL_SEALS },
  },

  // include/linux/kho/abi/memblock.h, mm/memblock.c
  {
    from: '6.16',
    strings: {
      MEMBLOCK_KHO_FDT: memblock.MEMBLOCK_KHO_FDT,
      MEMBLOCK_KHO_NODE_COMPATIBLE: memblock.MEMBLOCK_KHO_NODE_COMPATIBLE,
      RESERVE_MEM_KHO_NODE_COMPATIBLE: memblock.RESERVE_MEM_KHO_NODE_COMPATIBLE,
    },
    properties: {
      [`memblock:${memblock.RESERVE_MEM_START}`]: 8,
      [`memblock:${memblock.RESERVE_MEM_SIZE}`]: 8,
    },
  },

  // lib/test_kho.c
  {
    from: '6.16',
    strings: {
      KHO_TEST_FDT: test.KHO_TEST_FDT,
      KHO_TEST_COMPAT: test.KHO_TEST_COMPAT,
      'kho_test:data': test.KHO_TEST_DATA,
    },
    numbers: { KHO_TEST_MAGIC: test.KHO_TEST_MAGIC },
    properties: {
      'kho_test:magic': 4,
      'kho_test:nr_folios': 4,
      'kho_test:csum': 4,
      'kho_test:folios_info': test.folioInfoSize,
    },
  },

  // arch/x86/include/uapi/asm/setup_data.h; drivers/of/kexec.c
  { from: '6.16', arch: 'x86_64', struct: setup_data },
  { from: '6.16', arch: 'x86_64', struct: kho_data },
  { from: '6.16', arch: 'x86_64', numbers: { SETUP_KEXEC_KHO } },
  {
    from: '6.16',
    arch: 'arm64',
    strings: { 'chosen:linux,kho-fdt': LINUX_KHO_FDT, 'chosen:linux,kho-scratch': LINUX_KHO_SCRATCH },
  },
];

/** The entries that a release of an architecture has. @param release series, such as `7.3` */
export function abiOf(release: string, arch: Arch): AbiEntry[] {
  const at = seriesNumber(release);
  return ABI.filter(
    (entry) =>
      seriesNumber(entry.from) <= at &&
      at <= seriesNumber(entry.to ?? release) &&
      (entry.arch === undefined || entry.arch === arch),
  );
}

/** Orders series: 6.19 is before 7.0. */
export function seriesNumber(release: string): number {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  return major * 1000 + minor;
}

function radixKeyWidth({ generation, pageShift }: Target): number {
  return generation.memoryMap.kind === 'radix' ? generation.memoryMap.keyWidth(pageShift) : 0;
}
