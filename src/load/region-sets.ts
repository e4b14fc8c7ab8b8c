import { type Region, regionEnd } from '../memory/regions.ts';

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
