import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intersection, lowerBound, pairs, pairWith, unionOf, without } from '../../src/memory/intervals.ts';
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

describe('searches', () => {
  const ascending = fc
    .uniqueArray(fc.bigInt({ min: 0n, max: 200n }), { maxLength: 30 })
    .map((numbers) => BigUint64Array.from(numbers.length % 2 === 0 ? numbers : numbers.slice(1)).sort());

  it('find the first for which something holds', () => {
    fc.assert(
      fc.property(ascending, fc.bigInt({ min: 0n, max: 201n }), (numbers, limit) => {
        const first = numbers.findIndex((number) => number >= limit);
        const found = lowerBound(numbers.length, (i) => (numbers[i] ?? 0n) >= limit);
        expect(found).toBe(first < 0 ? numbers.length : first);
      }),
    );
  });

  it('find the pair that an address is in', () => {
    fc.assert(
      fc.property(ascending, fc.bigInt({ min: 0n, max: 201n }), (numbers, address) => {
        const all = [...pairs(numbers)];
        expect(all.flatMap(({ start, end }) => [start, end])).toEqual([...numbers]);
        expect(pairWith(numbers, address)).toEqual(
          all.find(({ start, end }) => start <= address && address < end),
        );
      }),
    );
  });
});
