import { type Region, regionEnd } from './regions.ts';

/** From `start` up to, not including, `end`. */
export interface Interval {
  readonly start: bigint;
  readonly end: bigint;
}

/**
 * The first index for which `holds` is true, given that it is false below it and true from there on; `count` where it
 * never is.
 */
export function lowerBound(count: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The intervals in a list of starts and ends, one after the other. */
export function* pairs(words: BigUint64Array): Generator<Interval> {
  for (let i = 0; i < words.length; i += 2) yield pairAt(words, i / 2);
}

/** @param index of a pair in the list */
export function pairAt(words: BigUint64Array, index: number): Interval {
  return { start: words[index * 2] ?? 0n, end: words[index * 2 + 1] ?? 0n };
}

/** The pair of an ascending list that `address` is in. */
export function pairWith(words: BigUint64Array, address: bigint): Interval | undefined {
  const count = words.length / 2;
  const index = lowerBound(count, (i) => (words[i * 2 + 1] ?? 0n) > address);
  const pair = pairAt(words, index);
  return index < count && pair.start <= address ? pair : undefined;
}

/** The first pair of an ascending list that shares a byte with [start, end). */
export function pairIn(words: BigUint64Array, start: bigint, end: bigint): Interval | undefined {
  const count = words.length / 2;
  const index = lowerBound(count, (i) => (words[i * 2 + 1] ?? 0n) > start);
  const pair = pairAt(words, index);
  return index < count && pair.start < end ? pair : undefined;
}

const byStart = (a: Region, b: Region) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0);

/** All that one of the regions has: sorted, without overlap, neighbours as one. */
export function unionOf(regions: readonly Region[]): Region[] {
  const union: { start: bigint; size: bigint }[] = [];
  for (const { start, size } of [...regions].sort(byStart)) {
    const last = union.at(-1);
    if (size === 0n) continue;
    if (last && start <= regionEnd(last)) {
      if (start + size > regionEnd(last)) last.size = start + size - last.start;
    } else union.push({ start, size });
  }
  return union;
}

/** Two of the regions that share a byte, the lower one first. */
export function overlapping(regions: readonly Region[]): readonly [Region, Region] | undefined {
  let highest: Region | undefined;
  for (const region of [...regions].sort(byStart)) {
    if (region.size === 0n) continue;
    if (highest && region.start < regionEnd(highest)) return [highest, region];
    highest = region;
  }
  return undefined;
}

/** All that the first have and the others do not. */
export function without(regions: readonly Region[], others: readonly Region[]): Region[] {
  const holes = unionOf(others);
  const rest: Region[] = [];
  let next = 0;
  for (const region of unionOf(regions)) {
    const end = regionEnd(region);
    let at = region.start;
    while (regionEnd(holes[next] ?? region) <= at && next < holes.length) next++;
    for (let i = next; i < holes.length; i++) {
      const hole = holes[i];
      if (hole === undefined || hole.start >= end) break;
      if (hole.start > at) rest.push({ start: at, size: hole.start - at });
      if (regionEnd(hole) > at) at = regionEnd(hole);
    }
    if (at < end) rest.push({ start: at, size: end - at });
  }
  return rest;
}

/** All that both have. */
export function intersection(regions: readonly Region[], others: readonly Region[]): Region[] {
  return without(regions, without(regions, others));
}
