import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../src/abi/target.ts';
import { buildRadixTree, walkRadixTree } from '../../src/memory/radix-tree.ts';
import { type Block, blockOf, coalesce, entriesOf, keysOf, keysOfEntries, SHAPES } from './plain-tree.ts';

const BASE = 0x1_0000_0000n;
const ALL = { maxFolios: 2 ** 24 };
const kho4K = makeTarget({ generation: 'kho-v4' });

function isBlock(block: Block | undefined): block is Block {
  return block !== undefined;
}

describe.each(SHAPES)('walk: $name', (shape) => {
  const { target, pageShift } = shape;

  it('reads back what was built, merged', () => {
    fc.assert(
      fc.property(entriesOf(pageShift), (entries) => {
        const tree = buildRadixTree(target, entries);
        tree.relocate(BASE);
        const walk = walkRadixTree(target, [{ start: BASE, bytes: tree.pages }], BASE, ALL);
        const keys = keysOfEntries(entries, shape);
        const blocks = keys.map((key) => blockOf(key, pageShift)).filter(isBlock);
        const listed = [...walk.folios.phys].map((phys, i) => `${phys}:${walk.folios.orders[i]}`);
        expect([...walk.ranges]).toEqual(coalesce(blocks, pageShift));
        expect(listed.sort()).toEqual(blocks.map(({ phys, order }) => `${phys}:${order}`).sort());
        expect(walk.byOrder.reduce((sum, count) => sum + count, 0n)).toBe(BigInt(keys.length));
        expect(walk.nodes + walk.leaves).toBe(tree.levels.length);
      }),
      { numRuns: 25 },
    );
  });

  it('reads any cut of the view without a page more', () => {
    fc.assert(
      fc.property(entriesOf(pageShift), fc.nat(), (entries, cut) => {
        const tree = buildRadixTree(target, { ...entries, pages: BigUint64Array.of(1n) });
        tree.relocate(BASE);
        const size = cut % tree.pages.length;
        const walk = walkRadixTree(target, [{ start: BASE, bytes: tree.pages.subarray(0, size) }], BASE);
        expect(walk.nodes + walk.leaves).toBe(Math.floor(size / 2 ** pageShift));
        expect(walk.findings.some((finding) => finding.code === 'NODE_OUTSIDE')).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  it('reads pages that stand apart, unaligned in the host, and split over extents', () => {
    const pageSize = 2 ** pageShift;
    const tree = buildRadixTree(target, { pages: BigUint64Array.of(1000n, 1001n, 2n ** 20n) });
    tree.relocate(BASE);
    const memory: { start: bigint; bytes: Uint8Array }[] = [];
    for (let at = 0; at < tree.pages.length; at += pageSize - 24) {
      const room = new Uint8Array(pageSize + 1).subarray(1);
      const part = tree.pages.subarray(at, at + pageSize - 24);
      room.set(part);
      memory.push({ start: BASE + BigInt(at), bytes: room.subarray(0, part.length) });
    }
    const whole = walkRadixTree(target, [{ start: BASE, bytes: tree.pages }], BASE, ALL);
    expect(walkRadixTree(target, memory, BASE, ALL)).toEqual(whole);
    expect(keysOf(tree.pages, shape, BASE).length).toBe(3);
  });
});

describe('overlaps', () => {
  it('are findings that name both orders and the shared bytes', () => {
    const folios = { phys: BigUint64Array.of(0x200000n, 0x3ff000n), orders: Uint8Array.of(9, 0) };
    const tree = buildRadixTree(kho4K, { folios });
    tree.relocate(BASE);
    const walk = walkRadixTree(kho4K, [{ start: BASE, bytes: tree.pages }], BASE);
    expect(walk.findings).toEqual([
      {
        code: 'PRESERVED_TWICE',
        phys: 0x3ff000n,
        parent: BASE + BigInt(tree.levels.lastIndexOf(0) * 4096),
        level: 0,
        index: 0x3ff,
        order: 0,
        otherOrder: 9,
        size: 0x1000n,
      },
    ]);
    expect([...walk.ranges]).toEqual([0x200000n, 0x400000n]);
    expect(walk.bytes).toBe(0x200000n);
  });
});

describe('limits', () => {
  const pages = BigUint64Array.from({ length: 1000 }, (_, i) => BigInt(2 * i + 1));
  const tree = buildRadixTree(kho4K, { pages });
  tree.relocate(BASE);
  const memory = [{ start: BASE, bytes: tree.pages }];

  it('cut the lists, say so, and leave the counts whole', () => {
    const walk = walkRadixTree(kho4K, memory, BASE, { maxRanges: 10, maxFolios: 7 });
    expect(walk.ranges.length).toBe(20);
    expect(walk.rangesTruncated).toBe(true);
    expect(walk.folios.phys.length).toBe(7);
    expect(walk.foliosTruncated).toBe(true);
    expect(walk.byOrder[0]).toBe(1000n);
    expect(walk.findings.map(({ code }) => code)).toEqual(['RANGES_LIMIT']);
  });

  it('make a finding of each order above the one allowed', () => {
    const built = buildRadixTree(kho4K, { ranges: BigUint64Array.of(1n, 9000n) });
    built.relocate(BASE);
    const walk = walkRadixTree(kho4K, [{ start: BASE, bytes: built.pages }], BASE, { maxOrder: 10 });
    expect(walk.findings.map(({ code, order, phys }) => [code, order, phys])).toEqual([
      ['ORDER_ABOVE_LIMIT', 11, 2048n * 4096n],
      ['ORDER_ABOVE_LIMIT', 12, 4096n * 4096n],
    ]);
    expect([...walk.ranges]).toEqual([4096n, 9000n * 4096n]);
  });
});
