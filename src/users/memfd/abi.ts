import { kho_vmalloc } from '../../abi/declared/kexec_handover.ts';
import { defineAbi } from '../../abi/entry.ts';
import { bits, defineStruct, embed, fewBits, u32, u64 } from '../../abi/layout.ts';

const HEADER = 'include/linux/kho/abi/memfd.h';

/** One folio of the file; `index` in pages. */
const memfd_luo_folio_ser = defineStruct({
  name: 'memfd_luo_folio_ser',
  source: `${HEADER} (6.19)`,
  packed: true,
  fields: { pfn: bits(52), flags: fewBits(12), index: u64 },
});

/** `memfd-v1`. */
const memfd_luo_ser_v1 = defineStruct({
  name: 'memfd_luo_ser',
  source: `${HEADER} (6.19)`,
  packed: true,
  fields: { pos: u64, size: u64, nr_folios: u64, ...embed('folios', kho_vmalloc) },
});

/** `memfd-v2`: keeps the seals. */
const memfd_luo_ser_v2 = defineStruct({
  name: 'memfd_luo_ser',
  source: `${HEADER} (7.1)`,
  packed: true,
  fields: { pos: u64, size: u64, seals: u32, flags: u32, nr_folios: u64, ...embed('folios', kho_vmalloc) },
});

/** include/linux/kho/abi/memfd.h */
export const MEMFD_ABI = defineAbi([
  // flags of a folio; producers set both
  { from: '6.19', numbers: { MEMFD_LUO_FOLIO_DIRTY: 1, MEMFD_LUO_FOLIO_UPTODATE: 2 } },
  { from: '6.19', struct: memfd_luo_folio_ser },
  {
    from: '6.19',
    to: '6.19',
    struct: memfd_luo_ser_v1,
    members: { folios: 'kho_vmalloc' },
    strings: { MEMFD_LUO_FH_COMPATIBLE: 'memfd-v1' },
  },
  {
    from: '7.1',
    struct: memfd_luo_ser_v2,
    members: { folios: 'kho_vmalloc' },
    strings: { MEMFD_LUO_FH_COMPATIBLE: 'memfd-v2' },
  },
  // the seals that are preserved: SEAL, SHRINK, GROW, WRITE, FUTURE_WRITE, EXEC
  { from: '7.1', numbers: { MEMFD_LUO_ALL_SEALS: 0x3f } },
]);
