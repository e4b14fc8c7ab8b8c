import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Allocator } from '../../src/memory/allocator.ts';

const ram = [
  { start: 0n, size: 0xa0000n },
  { start: 0x100000n, size: 0x700000n },
];
const request = fc.record({
  pages: fc.integer({ min: 1, max: 64 }),
  order: fc.integer({ min: 0, max: 6 }),
  high: fc.boolean(),
});

describe('Allocator', () => {
  it('gives aligned ranges of RAM that never overlap, the same each time', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 60 }), (requests) => {
        const run = () => {
          const allocator = new Allocator(ram);
          allocator.take(0x180000n, 0x10000n, 'scratch');
          return requests.map(({ pages, order, high }, i) => {
            const wanted = { size: BigInt(pages) << 12n, alignment: 0x1000n << BigInt(order), min: 0x2000n };
            const start = high ? allocator.highest(wanted, `${i}`) : allocator.lowest(wanted, `${i}`);
            return start === undefined ? undefined : { start, end: start + wanted.size, ...wanted };
          });
        };
        const given = run().filter((range) => range !== undefined);
        expect(run().filter((range) => range !== undefined)).toEqual(given);
        for (const range of given) {
          expect(range.start % range.alignment).toBe(0n);
          expect(range.start).toBeGreaterThanOrEqual(0x2000n);
          expect(ram.some(({ start, size }) => start <= range.start && range.end <= start + size)).toBe(true);
        }
        const all = [...given, { start: 0x180000n, end: 0x190000n }].sort((a, b) =>
          a.start < b.start ? -1 : 1,
        );
        for (let i = 1; i < all.length; i++) {
          expect(all[i]?.start).toBeGreaterThanOrEqual(all[i - 1]?.end ?? 0n);
        }
      }),
    );
  });

  it('finds the lowest and the highest free range, and none when none is left', () => {
    const allocator = new Allocator([{ start: 0x1000n, size: 0x3000n }]);
    const page = { size: 0x1000n, alignment: 0x1000n };
    expect(allocator.lowest(page, 'a')).toBe(0x1000n);
    expect(allocator.highest(page, 'b')).toBe(0x3000n);
    expect(allocator.lowest({ ...page, size: 0x2000n }, 'c')).toBeUndefined();
    expect(allocator.lowest({ ...page, max: 0x2000n }, 'c')).toBeUndefined();
    expect(allocator.highest(page, 'c')).toBe(0x2000n);
    expect(allocator.highest(page, 'd')).toBeUndefined();
  });

  it('names what is in the way', () => {
    const allocator = new Allocator([{ start: 0n, size: 0x10000n }]);
    allocator.take(0x1000n, 0x1000n, 'first');
    allocator.take(0x1800n, 0x1000n, 'second');
    allocator.take(0x5000n, 0x1000n, 'third');
    expect(allocator.conflicts(0x1fffn, 2n).map(({ path }) => path)).toEqual(['first', 'second']);
    expect(allocator.conflicts(0x2800n, 0x100n)).toEqual([]);
  });
});
