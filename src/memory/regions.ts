import { alignDown, alignUp } from '../base/numbers.ts';

/** A range of physical addresses: RAM, or a scratch region. */
export interface Region {
  readonly start: bigint;
  /** Bytes. */
  readonly size: bigint;
}

export const regionEnd = (region: Region): bigint => region.start + region.size;

/** Whether one of `regions` holds all of [start, end). */
export function isWithin(regions: readonly Region[], start: bigint, end: bigint): boolean {
  return regions.some((region) => region.start <= start && end <= regionEnd(region));
}

/** The part of a region made of whole aligned units. */
export function alignedInside(region: Region, alignment: bigint): Region {
  const start = alignUp(region.start, alignment);
  const end = alignDown(regionEnd(region), alignment);
  return { start, size: end > start ? end - start : 0n };
}
