import { ARCHITECTURES } from '../arch/architectures.ts';
import { warn } from './events.ts';
import type { Kernel } from './kernel.ts';

export const MAPPING_WARNING = warn('__early_ioremap+0x');

/**
 * early_memremap() (mm/early_ioremap.c: __early_ioremap(), 6.18 to 7.3), which counts the pages in 32 bits.
 * @returns bytes from `start` that are mapped then, none by a whole multiple of 2^32 pages; undefined where it refuses, with
 *   a kernel warning
 */
export function earlyMemremap(kernel: Kernel, start: bigint, length: bigint): bigint | undefined {
  const { pageSize } = kernel;
  const last = BigInt.asUintN(64, start + length - 1n);
  if (length === 0n || last < start) return undefined;
  const offset = start % pageSize;
  const size = BigInt.asUintN(64, ((last + pageSize) & ~(pageSize - 1n)) - (start - offset));
  const bytes = BigInt.asUintN(32, size / pageSize) * pageSize;
  if (bytes > mostMapped(kernel)) return undefined;
  return bytes > offset ? bytes - offset : 0n;
}

function mostMapped({ target, receiver, pageSize }: Kernel): bigint {
  const pages = ARCHITECTURES[target.arch].earlyMappingPages(target.pageSize, receiver.sparesMappingPage);
  return BigInt(pages) * pageSize;
}

/** Physical address bits of every x86 processor; one that has no more faults at an address that does. */
const PHYSICAL_BITS = 40n;
/** Of a page table entry: what is above is cut off (PTE_PFN_MASK, arch/x86/include/asm/pgtable_types.h, 7.3). */
const ENTRY_BITS = 52;

/** Whether every processor of the architecture reads something where there is no RAM, through a mapping of its own. */
export const readsOutside = ({ target }: Kernel, phys: bigint): boolean =>
  ARCHITECTURES[target.arch].readsAnywhere && BigInt.asUintN(ENTRY_BITS, phys) >> PHYSICAL_BITS === 0n;
