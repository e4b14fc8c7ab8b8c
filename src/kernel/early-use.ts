import { ARCHITECTURES } from '../arch/architectures.ts';
import { maxOf, minOf } from '../base/numbers.ts';
import { unionOf } from '../memory/intervals.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { Kernel } from './kernel.ts';

/**
 * Of scratch, the most that a kernel takes with its initrd and all that it allocates before the page allocator, beside page
 * structures: those of test/kernel take less than 24 MiB.
 */
const EARLY_BYTES = 32n << 20n;
/** Below the end of conventional memory: the trampoline of tinyconfig has 24 KiB, of a distribution some more. */
const TRAMPOLINE_BYTES = 64n << 10n;
/** Bytes of struct page on 64-bit kernels. */
export const STRUCT_PAGE_BYTES = 64n;
const LOW = 1n << 32n;

/**
 * Memory that a receiver may write to before it reads what was handed over. memblock allocates from the top of scratch
 * (memblock_find_in_range_node(), mm/memblock.c, 7.3), on the node that asks and below 4 GiB for some; a loader fills it from
 * the top too (kexec_locate_mem_hole()). A kernel with KASLR may be anywhere in scratch. On x86 a trampoline is at the end
 * of conventional memory (reserve_real_mode(), arch/x86/realmode/init.c).
 * @param scratch merged, ascending
 */
export function earlyUse(kernel: Kernel, scratch: readonly Region[]): Region[] {
  return unionOf([...lowUse(kernel), ...scratchUse(kernel, scratch)]);
}

/** What firmware keeps below what a receiver preserves, of which nobody knows what is there; empty where there is none. */
export const firmwareMemory = ({ target }: Kernel): Region => ({
  start: 0n,
  size: ARCHITECTURES[target.arch].lowestPreserved,
});

function lowUse({ target, ram }: Kernel): Region[] {
  const limit = ARCHITECTURES[target.arch].lowestPreserved;
  if (limit === 0n) return [];
  const [lowest] = ram;
  const end = lowest === undefined ? limit : minOf(regionEnd(lowest), limit);
  return [{ start: maxOf(end - TRAMPOLINE_BYTES, 0n), size: minOf(TRAMPOLINE_BYTES, end) }];
}

function scratchUse(kernel: Kernel, scratch: readonly Region[]): readonly Region[] {
  const hasNodes = (kernel.image.nodes?.length ?? 1) > 1;
  if (hasNodes || kernel.boot.movesKernel || kernel.ram.length === 0) return scratch;
  const pages = kernel.ram.reduce((sum, { size }) => sum + size, 0n) / kernel.pageSize;
  const bytes = EARLY_BYTES + pages * STRUCT_PAGE_BYTES;
  return [
    ...topOf(scratch, bytes),
    ...topOf(
      scratch.filter((one) => regionEnd(one) <= LOW),
      bytes,
    ),
  ];
}

/** Where the kernel allocates next: the highest of some regions. */
export const nextOf = (regions: readonly Region[]): Region[] => topOf(unionOf(regions), 2n * EARLY_BYTES);

/** The highest bytes of the regions. */
function topOf(regions: readonly Region[], bytes: bigint): Region[] {
  const top: Region[] = [];
  let left = bytes;
  for (const region of [...regions].reverse()) {
    const size = minOf(region.size, left);
    if (size > 0n) top.push({ start: regionEnd(region) - size, size });
    left -= size;
  }
  return top;
}
