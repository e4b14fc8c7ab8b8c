import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../src/abi/target.ts';
import { buildRadixTree, splitRange } from '../../src/memory/radix-tree.ts';
import { ascending, entriesOf, keysOf, keysOfEntries, SHAPES, splitPlainly } from './plain-tree.ts';

const kho4K = makeTarget({ generation: 'kho-v4' });

/** Table indexes of the only path, from the root down, then the bit. */
function onlyPath(pages: Uint8Array, depth: number): number[] {
  const words = new BigUint64Array(pages.buffer, pages.byteOffset, pages.byteLength / 8);
  const path: number[] = [];
  for (let page = 0; page < depth - 1; page++) {
    path.push(words.subarray(page * 512, (page + 1) * 512).findIndex((entry) => entry !== 0n));
  }
  const leaf = words.subarray((depth - 1) * 512);
  const word = leaf.findIndex((bits) => bits !== 0n);
  return [...path, word * 64 + (leaf[word] ?? 0n).toString(2).length - 1];
}

describe('known keys (1.6.26 of docs/kho-facts.md, executed from the ABI headers of 7.1 to 7.3)', () => {
  it.each([
    [0, [2, 0, 0, 1, 0, 0]],
    [1, [1, 0, 0, 0, 256, 0]],
    [2, [0, 256, 0, 0, 128, 0]],
    [9, [0, 2, 0, 0, 1, 0]],
  ])('0x1000000000 at order %i on 4 KiB pages', (order, path) => {
    const folios = { phys: BigUint64Array.of(0x1000000000n), orders: Uint8Array.of(order) };
    const tree = buildRadixTree(kho4K, { folios });
    expect([...tree.levels]).toEqual([5, 4, 3, 2, 1, 0]);
    expect(onlyPath(tree.pages, 6)).toEqual(path);
  });

  it.each(SHAPES)('a lone page takes one page per level: $name', ({ target, depth, pageShift }) => {
    const tree = buildRadixTree(target, { pages: BigUint64Array.of(77n) });
    expect([...tree.levels]).toEqual([...Array(depth).keys()].reverse());
    expect(tree.pages.length).toBe(depth * 2 ** pageShift);
  });
});

describe.each(SHAPES)('build: $name', (shape) => {
  const { target, pageShift } = shape;

  it('has the bits of the entries and no others', () => {
    fc.assert(
      fc.property(entriesOf(pageShift), (entries) => {
        const tree = buildRadixTree(target, entries);
        expect(keysOf(tree.pages, shape)).toEqual(keysOfEntries(entries, shape));
      }),
      { numRuns: 25 },
    );
  });

  it('does not depend on the order of the entries', () => {
    fc.assert(
      fc.property(entriesOf(pageShift), fc.infiniteStream(fc.nat()), (entries, weights) => {
        const mixed = (entries.pages ?? new BigUint64Array())
          .slice()
          .sort(() => ((weights.next().value ?? 0) % 2 === 0 ? 1 : -1));
        const one = buildRadixTree(target, entries);
        const other = buildRadixTree(target, { ...entries, pages: mixed });
        expect(Buffer.compare(one.pages, other.pages)).toBe(0);
        expect(other.levels).toEqual(one.levels);
      }),
      { numRuns: 15 },
    );
  });

  it('adds the base to every table entry and to nothing else', () => {
    fc.assert(
      fc.property(entriesOf(pageShift), fc.bigInt({ min: 1n, max: 2n ** 30n }), (entries, page) => {
        const tree = buildRadixTree(target, entries);
        const keys = keysOf(tree.pages, shape);
        const base = page << BigInt(pageShift);
        tree.relocate(base);
        expect(keysOf(tree.pages, shape, base)).toEqual(keys);
        tree.relocate(2n * base);
        expect(keysOf(tree.pages, shape, 2n * base)).toEqual(keys);
      }),
      { numRuns: 10 },
    );
  });
});

describe('splitRange', () => {
  it('gives what trying every order gives', () => {
    const pfn = fc.bigInt({ min: 1n, max: 2n ** 40n });
    fc.assert(
      fc.property(pfn, fc.bigInt({ min: 1n, max: 2n ** 34n }), (start, length) => {
        const { pfns, orders } = splitRange(12, start, start + length);
        const blocks = [...pfns].map((at, i) => ({ pfn: at, order: orders[i] }));
        expect(blocks).toEqual(splitPlainly(start, start + length));
      }),
    );
  });

  it('refuses what the kernel does not define', () => {
    expect(() => splitRange(12, 0n, 8n)).toThrow(/ranges\[0\], pfn 0x0 to 0x8, starts at pfn 0/);
    expect(() => splitRange(12, 8n, 8n)).toThrow(expect.objectContaining({ code: 'MAP_RANGE_EMPTY' }));
    expect(() => splitRange(12, 1n, 2n ** 64n)).toThrow(expect.objectContaining({ code: 'MAP_ADDRESS' }));
  });
});

describe('memory', () => {
  it('takes a range of any length in few pages', () => {
    const tree = buildRadixTree(kho4K, { ranges: BigUint64Array.of(1n, 2n ** 52n - 1n) });
    expect(tree.levels.length).toBeLessThan(300);
  });

  it('takes a run of folios without a list of them', () => {
    const folios = {
      phys: BigUint64Array.of(1n << 40n),
      orders: Uint8Array.of(0),
      counts: BigUint64Array.of(1n << 26n),
    };
    const tree = buildRadixTree(kho4K, { folios });
    const leaves = tree.levels.filter((level) => level === 0).length;
    expect(leaves).toBe(2 ** 26 / 2 ** 15);
    expect(tree.pages.at(-1)).toBe(0xff);
  });

  it('has keys of scattered pages in ascending order', () => {
    const pages = BigUint64Array.from(
      { length: 20_000 },
      (_, i) => ((BigInt(i) * 7_368_787n) % (1n << 27n)) + 1n,
    );
    const shape = SHAPES[8 - 2];
    if (!shape) throw new Error('no shape');
    const keys = keysOf(buildRadixTree(shape.target, { pages }).pages, shape);
    expect(keys).toEqual([...new Set([...pages].map((pfn) => pfn + (1n << 52n)))].sort(ascending));
  });
});
