import { kho_vmalloc } from '../../abi/kexec_handover.ts';
import { bits, defineStruct, embed, u32, u64 } from '../../abi/layout.ts';

const HEADER = 'include/linux/kho/abi/memfd.h';

/** Name of the file handler, in luo_file_ser.compatible: 6.19. */
export const MEMFD_LUO_FH_COMPATIBLE_V1 = 'memfd-v1';
/** The same from 7.1 on, with struct memfd_luo_ser as below. */
export const MEMFD_LUO_FH_COMPATIBLE_V2 = 'memfd-v2';

/** Flags of a folio. Producers set both. */
export const MEMFD_LUO_FOLIO_DIRTY = 1;
export const MEMFD_LUO_FOLIO_UPTODATE = 2;

/** F_SEAL_* by name (include/uapi/linux/fcntl.h, 7.3). */
export const SEALS = {
  seal: 0x1,
  shrink: 0x2,
  grow: 0x4,
  write: 0x8,
  future_write: 0x10,
  exec: 0x20,
} as const;

/** The seals that are preserved (7.1 and later): SEAL, SHRINK, GROW, WRITE, FUTURE_WRITE, EXEC. */
export const MEMFD_LUO_ALL_SEALS = 0x3f;

/** One folio of the file; `index` in pages. */
export const memfd_luo_folio_ser = defineStruct({
  name: 'memfd_luo_folio_ser',
  source: `${HEADER} (6.19)`,
  packed: true,
  fields: { pfn: bits(52), flags: bits(12), index: u64 },
});

/** One entry of the list of folios. */
export interface MemfdFolio {
  readonly pfn: bigint;
  readonly flags: number;
  /** In pages. */
  readonly index: bigint;
}

/** Bytes of struct memfd_luo_folio_ser. */
export const MEMFD_FOLIO_BYTES = 16;
const PFN = (1n << 52n) - 1n;

/** struct memfd_luo_folio_ser in long lists, where encodeStruct() would take seconds; little-endian. */
export function writeMemfdFolio(list: Buffer, at: number, { pfn, flags, index }: MemfdFolio): void {
  list.writeBigUInt64LE((BigInt(flags) << 52n) | pfn, at);
  list.writeBigUInt64LE(index, at + 8);
}

/** The reverse of `writeMemfdFolio`. */
export function readMemfdFolio(list: Buffer, at: number): MemfdFolio {
  const word = list.readBigUInt64LE(at);
  return { pfn: word & PFN, flags: Number(word >> 52n), index: list.readBigUInt64LE(at + 8) };
}

/** `memfd-v1`. */
export const memfd_luo_ser_v1 = defineStruct({
  name: 'memfd_luo_ser',
  source: `${HEADER} (6.19)`,
  packed: true,
  fields: { pos: u64, size: u64, nr_folios: u64, ...embed('folios', kho_vmalloc) },
});

/** `memfd-v2`: keeps the seals. */
export const memfd_luo_ser_v2 = defineStruct({
  name: 'memfd_luo_ser',
  source: `${HEADER} (7.1)`,
  packed: true,
  fields: { pos: u64, size: u64, seals: u32, flags: u32, nr_folios: u64, ...embed('folios', kho_vmalloc) },
});
