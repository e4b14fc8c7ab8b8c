import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intersection, unionOf, without } from '../../src/memory/intervals.ts';
import { type Region, regionEnd } from '../../src/memory/regions.ts';

const regions = fc.array(
  fc.record({ start: fc.bigInt({ min: 0n, max: 60n }), size: fc.bigInt({ min: 0n, max: 9n }) }),
  { maxLength: 12 },
);

/** The numbers that are in some region. */
function members(list: readonly Region[]): Set<bigint> {
  const found = new Set<bigint>();
  for (const { start, size } of list) for (let at = start; at < start + size; at++) found.add(at);
  return found;
}

const sorted = (set: Set<bigint>) => [...set].sort((a, b) => Number(a - b));

/** Ascending, without overlap, none empty. */
function expectTidy(list: readonly Region[]): void {
  list.forEach((region, i) => {
    const last = list[i - 1];
    expect(region.size).toBeGreaterThan(0n);
    if (last) expect(region.start).toBeGreaterThanOrEqual(regionEnd(last));
  });
}

describe('sets of regions', () => {
  it('are what sets of their numbers are', () => {
    fc.assert(
      fc.property(regions, regions, (a, b) => {
        const [left, right] = [members(a), members(b)];
        const both = [...left].filter((one) => right.has(one));
        const rest = [...left].filter((one) => !right.has(one));
        for (const [result, wanted] of [
          [unionOf([...a, ...b]), new Set([...left, ...right])],
          [without(a, b), new Set(rest)],
          [intersection(a, b), new Set(both)],
        ] as const) {
          expectTidy(result);
          expect(sorted(members(result))).toEqual(sorted(wanted));
        }
      }),
    );
  });
});
