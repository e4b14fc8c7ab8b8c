import { alignDown, alignUp, maxOf } from '../base/numbers.ts';
import { pairIn, pairs, without } from '../memory/intervals.ts';
import type { Preserved } from '../memory/preserved.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { Kernel } from './kernel.ts';

/** KHO_SCRATCH_EXT_BLKSIZE (KH, 7.3). */
const EXTENSION = 1n << 30n;

/** kho_extend_scratch() (KH, 7.3): whether some block of RAM has no preserved memory, and becomes scratch. */
export function isExtended(
  { receiver, ram }: Pick<Kernel, 'receiver' | 'ram'>,
  { ranges }: Pick<Preserved, 'ranges'>,
): boolean {
  if (!receiver.extendsScratch) return false;
  return ram.length === 0 || ram.some((region) => hasFreeBlock(region, ranges));
}

/** What kho_extend_scratch() makes scratch: RAM without the blocks that have preserved memory. */
export function extensionOf({ ram }: Kernel, { ranges }: Preserved): Region[] {
  const busy: { start: bigint; size: bigint }[] = [];
  for (const range of pairs(ranges)) {
    const start = alignDown(range.start, EXTENSION);
    const end = alignUp(range.end, EXTENSION);
    const last = busy.at(-1);
    if (last && start <= regionEnd(last)) last.size = maxOf(end, regionEnd(last)) - last.start;
    else busy.push({ start, size: end - start });
  }
  return without(ram, busy);
}

/** @param ranges of preserved memory, ascending */
function hasFreeBlock(region: Region, ranges: BigUint64Array): boolean {
  const end = regionEnd(region);
  let block = alignDown(region.start, EXTENSION);
  while (block < end) {
    const busy = pairIn(ranges, block, block + EXTENSION);
    if (busy === undefined) return true;
    block = alignUp(busy.end > block + EXTENSION ? busy.end : block + EXTENSION, EXTENSION);
  }
  return false;
}
