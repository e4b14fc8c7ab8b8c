import type { Target } from '../../abi/target.ts';
import { asU32Native } from '../../fdt/values.ts';
import type { KernelFdt } from '../../kernel/libfdt.ts';
import type { Readable } from '../../memory/physical-memory.ts';
import { type VmallocPages, walkEntries } from '../vmalloc/walk.ts';

/** An entry of the list of test folios: a phys_addr_t, its order in the bits below the page. */
export type ListedFolio = {
  readonly phys: bigint;
  readonly order: number;
};

export const FOLIO_ENTRY_BYTES = 8;

export function listedFolio({ endian, pageSize }: Target, bytes: Buffer, at: number): ListedFolio {
  const entry = endian === 'little' ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at);
  const mask = BigInt(pageSize - 1);
  return { phys: entry & ~mask, order: Number(entry & mask) };
}

/** The list of folios as kho_test_restore_data() goes through it (lib/test_kho.c, 6.18 to 7.3). */
export function walkFolios(
  memory: Readable,
  target: Target,
  list: VmallocPages,
  count: number,
): Generator<ListedFolio, void> {
  const entry = (bytes: Buffer, at: number) => listedFolio(target, bytes, at);
  return walkEntries(memory, target, list, { size: FOLIO_ENTRY_BYTES, count, entry });
}

/** What kho_test_restore() reads of its FDT; undefined: not there, or of another length. */
export interface TestFdt {
  readonly magic: number | undefined;
  /** `nr_folios` */
  readonly count: number | undefined;
  readonly csum: number | undefined;
  /** `folios_info`, of any length. */
  readonly info: Uint8Array | undefined;
}

export function readTestFdt({ abi, endian }: Target, fdt: KernelFdt): TestFdt {
  const data = fdt.child(abi.text('kho_test:data'));
  const u32 = (value: Uint8Array | number) =>
    typeof value === 'number' ? undefined : asU32Native(value, endian);
  const info = fdt.property(abi.text('kho_test:folios_info'), data);
  return {
    magic: u32(fdt.property(abi.text('kho_test:magic'))),
    count: u32(fdt.property(abi.text('kho_test:nr_folios'), data)),
    csum: u32(fdt.property(abi.text('kho_test:csum'), data)),
    info: typeof info === 'number' ? undefined : info,
  };
}
