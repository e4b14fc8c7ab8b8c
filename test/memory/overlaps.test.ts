import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Overlaps } from '../../src/memory/overlaps.ts';

const range = fc
  .tuple(fc.bigInt(0n, 1n << 20n), fc.oneof(fc.bigInt(1n, 16n), fc.bigInt(1n, 1n << 19n)))
  .map(([start, size]) => ({ start, end: start + size }));

describe('Overlaps', () => {
  it('finds what a comparison with every range finds, in the same order', () => {
    fc.assert(
      fc.property(fc.array(range), range, (ranges, wanted) => {
        const index = new Overlaps();
        for (const [i, { start, end }] of ranges.entries()) index.add(start, end, `${i}`);
        const plain = ranges.flatMap(({ start, end }, i) =>
          start < wanted.end && wanted.start < end ? [`${i}`] : [],
        );
        expect(index.find(wanted.start, wanted.end).map(({ path }) => path)).toEqual(plain);
      }),
    );
  });

  it('takes ranges at the end of all memory', () => {
    const index = new Overlaps();
    index.add((1n << 64n) - 4096n, 1n << 64n, 'last');
    expect(index.find((1n << 64n) - 1n, 1n << 64n).map(({ path }) => path)).toEqual(['last']);
    expect(index.find(0n, (1n << 64n) - 4096n)).toEqual([]);
  });
});
