import { ARCHITECTURES } from '../arch/architectures.ts';
import { hex, maxOf, minOf } from '../base/numbers.ts';
import { lowerBound, pairAt, pairs } from '../memory/intervals.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import { report } from './checks.ts';
import type { FindingEvent, Stage } from './events.ts';
import type { Kernel } from './kernel.ts';
import { type Scratch, whereTaken } from './scratch.ts';

/** Compares what the map preserves with RAM and scratch. @param ranges start, end, …; ascending and disjoint */
export function* checkRanges(kernel: Kernel, scratch: Scratch, ranges: BigUint64Array): Stage {
  for (const { start, end } of first(outside(ranges, kernel.ram))) yield outsideRam(kernel, start, end);
  for (const { start, end } of first(inside(ranges, scratch.merged))) {
    const index = scratch.indexAt(start, end);
    yield report('scratch-overlap', {
      where: `${hex(start)}-${hex(end)}`,
      text: `preserved memory is in scratch[${index}]: the receiver allocates there before it reads the map, and may overwrite what is there`,
      ...whereTaken(scratch, start, end),
    });
  }
  const [lowest] = ranges;
  const low = ARCHITECTURES[kernel.target.arch].lowestPreserved;
  if (lowest !== undefined && lowest < low) {
    yield report('first-megabyte', {
      where: hex(lowest),
      text: `preserved memory at ${hex(lowest)} is below 1 MiB, which an x86 kernel takes for scratch and real-mode code`,
    });
  }
}

function outsideRam(kernel: Kernel, start: bigint, end: bigint): FindingEvent {
  const faults = !kernel.hasStructPages(start, end);
  const text = faults
    ? 'the kernel faults as it marks a page that has no struct page, and panics early'
    : 'the kernel reserves it, whatever is there; what was preserved is lost';
  return report('outside-ram', {
    where: `${hex(start)}-${hex(end)}`,
    text: `preserved memory is not in RAM: ${text}`,
    ...(faults && { outcome: 'dies' as const }),
  });
}

interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

/** Enough to see how bad it is; bounds the work on a map that is wrong throughout. */
function* first(ranges: Iterable<Range>): Generator<Range> {
  let count = 0;
  for (const range of ranges) {
    if (++count > 1000) return;
    yield range;
  }
}

/** Parts of the ranges that no region has. @param regions ascending, merged; none: not known */
function* outside(ranges: BigUint64Array, regions: readonly Region[]): Generator<Range> {
  if (regions.length === 0) return;
  let at = 0;
  for (const { start, end } of pairs(ranges)) {
    let from = start;
    while (at < regions.length && regionEnd(regions[at] ?? NOWHERE) <= from) at++;
    for (let next = at; from < end; next++) {
      const region = regions[next];
      if (!region || region.start >= end) {
        yield { start: from, end };
        break;
      }
      if (region.start > from) yield { start: from, end: region.start };
      from = regionEnd(region);
    }
  }
}

/** Parts of the ranges that a region has. @param regions ascending, merged */
function* inside(ranges: BigUint64Array, regions: readonly Region[]): Generator<Range> {
  for (const region of regions) {
    const count = ranges.length / 2;
    for (let i = lowerBound(count, (at) => pairAt(ranges, at).end > region.start); i < count; i++) {
      const { start, end } = pairAt(ranges, i);
      if (start >= regionEnd(region)) break;
      yield { start: maxOf(start, region.start), end: minOf(end, regionEnd(region)) };
    }
  }
}

const NOWHERE: Region = { start: 0n, size: 0n };
