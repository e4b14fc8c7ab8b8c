import { ARCHITECTURES } from '../arch/architectures.ts';
import { alignDown, alignUp, hex, humanSize, isAligned, maxOf, overlaps } from '../base/numbers.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import { report } from './checks.ts';
import type { Outcome, Stage } from './events.ts';
import type { Kernel } from './kernel.ts';

/** What each region is to a kernel that takes it for memory as it stands in the array. */
export function* checkRegions(kernel: Kernel, regions: readonly Region[]): Stage {
  const alignment = kernel.receiver.generation.scratchAlignment(kernel.target);
  for (const [i, { start, size }] of regions.entries()) {
    const where = `scratch[${i}]`;
    const text = `${hex(start)}-${hex(start + size)}`;
    if (size === 0n) {
      yield report('scratch-empty-entry', { where, text: `${where} at ${hex(start)} has size 0` });
      continue;
    }
    if (!isAligned(start, alignment) || !isAligned(size, alignment)) {
      const reason = `${text} is not made of blocks of ${humanSize(alignment)}: what shares a block with it becomes scratch too`;
      // Half a page belongs to nobody. Where it begins a pageblock, that has no migrate type from 7.2 on (memmap_init_range(),
      // mm/mm_init.c): kho_init() gets a page of scratch for its own FDT, and what it does about that fails.
      const offset = start % alignment;
      const loses = kernel.receiver.marksWholePageblocks && offset > 0n && offset < kernel.pageSize;
      yield report('scratch-alignment', { where, text: reason, ...(loses && { outcome: 'dies' }) });
    }
    if (!kernel.inRam(start, start + size)) {
      const reason = `${text} is not in RAM: the kernel adds it to its memory, and faults or loses data where it uses it`;
      yield report('scratch-outside-ram', {
        where,
        text: reason,
        ...outsideOutcome(kernel, start, size),
      });
    }
  }
  yield* checkOverlaps(regions);
}

/** Nothing is allocated so high, not even less than a page. */
const UNREACHED = 1n << 52n;

/** Memory above all RAM is of no node; in a hole below it is of the node around it. */
function outsideOutcome({ ram, target }: Kernel, start: bigint, size: bigint): { outcome?: Outcome } {
  const last = ram.at(-1);
  if (last === undefined || !ARCHITECTURES[target.arch].diesOfMemoryAboveRam) return { outcome: 'undefined' };
  const above = maxOf(start, alignUp(regionEnd(last), 1n << 20n));
  const page = BigInt(target.pageSize);
  if (alignUp(above, page) < alignDown(start + size, page)) return { outcome: 'dies' };
  // memblock_trim_memory() rounds its start up to 0, and the kernel stops over memory that is there twice (mm/memblock.c:
  // memblock_merge_regions(), 7.2, 7.3).
  if (alignUp(start, page) === 1n << 64n) return { outcome: 'dies' };
  return start >= UNREACHED ? {} : { outcome: 'undefined' };
}

function* checkOverlaps(regions: readonly Region[]): Stage {
  const ordered = regions.map((region, i) => ({ region, i })).filter(({ region }) => region.size > 0n);
  ordered.sort((a, b) => (a.region.start < b.region.start ? -1 : 1));
  for (const [at, { region, i }] of ordered.entries()) {
    const next = ordered[at + 1];
    if (!next || !overlaps(region.start, regionEnd(region), next.region.start, regionEnd(next.region)))
      continue;
    const text = `scratch[${i}] and scratch[${next.i}] share memory`;
    yield report('scratch-overlap-scratch', { where: `scratch[${i}]`, text });
  }
}
