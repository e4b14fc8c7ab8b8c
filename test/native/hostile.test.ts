import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../src/abi/target.ts';
import { buildRadixTree, type RadixWalk, walkRadixTree } from '../../src/memory/radix-tree.ts';
import { ascending, SHAPES } from './plain-tree.ts';

const kho4K = makeTarget({ generation: 'kho-v4' });
const BASE = 0x10000n;

/** Ten pages from 0x10000. Pages 0 to 5 are linked by their entry 0: page 5 is the leaf of the lowest keys. */
class Memory {
  readonly bytes = Buffer.alloc(10 * 4096);

  constructor() {
    for (let page = 0; page < 5; page++) this.entry(page, 0, Memory.phys(page + 1));
  }

  static phys(page: number): bigint {
    return BASE + BigInt(page * 4096);
  }

  entry(page: number, index: number, value: bigint): void {
    this.bytes.writeBigUInt64LE(value, page * 4096 + index * 8);
  }

  walk(root = BASE): RadixWalk {
    return walkRadixTree(kho4K, [{ start: BASE, bytes: this.bytes }], root, { maxFindings: 5 });
  }
}

describe('findings of a hostile tree', () => {
  const cases: [string, (memory: Memory) => void, object][] = [
    [
      'a child outside the view',
      (m) => m.entry(1, 7, 0xdead000n),
      { code: 'NODE_OUTSIDE', phys: 0xdead000n, parent: 0x11000n, level: 3, index: 7 },
    ],
    [
      'a child at the top of memory',
      (m) => m.entry(1, 7, 2n ** 64n - 4096n),
      { code: 'NODE_OUTSIDE', phys: 2n ** 64n - 4096n, parent: 0x11000n, level: 3, index: 7 },
    ],
    [
      'an unaligned child',
      (m) => m.entry(1, 7, 0x12008n),
      { code: 'NODE_UNALIGNED', phys: 0x12008n, parent: 0x11000n, level: 3, index: 7 },
    ],
    [
      'a cycle',
      (m) => m.entry(3, 7, 0x10000n),
      { code: 'NODE_TWICE', phys: 0x10000n, parent: 0x13000n, level: 1, index: 7 },
    ],
    [
      'a shared leaf',
      (m) => m.entry(4, 7, 0x15000n),
      { code: 'NODE_TWICE', phys: 0x15000n, parent: 0x14000n, level: 0, index: 7 },
    ],
    [
      'key 0',
      (m) => m.entry(5, 0, 1n),
      { code: 'KEY_WITHOUT_ORDER', phys: 0n, parent: 0x15000n, level: 0, index: 0 },
    ],
    [
      'the block that is all memory',
      (m) => m.entry(5, 0, 2n),
      { code: 'ADDRESS_OVERFLOW', phys: 0n, parent: 0x15000n, level: 0, index: 1, order: 52 },
    ],
    [
      'a key above all keys',
      (m) => {
        m.entry(0, 0, 0n);
        m.entry(0, 511, 0x11000n);
        m.entry(5, 3, 1n);
      },
      { code: 'KEY_TOO_WIDE', phys: 0n, parent: 0x15000n, level: 0, index: 192 },
    ],
  ];

  it.each(cases)('%s', (_name, change, finding) => {
    const memory = new Memory();
    change(memory);
    const walk = memory.walk();
    expect(walk.findings).toEqual([finding]);
    expect(walk.findingCount).toBe(1);
  });

  it('of the root', () => {
    const memory = new Memory();
    const root = { parent: 0n, level: 5, index: 0 };
    expect(memory.walk(0n).findings).toEqual([{ ...root, code: 'ROOT_ZERO', phys: 0n }]);
    expect(memory.walk(8n).findings).toEqual([{ ...root, code: 'NODE_UNALIGNED', phys: 8n }]);
    expect(memory.walk(0x1000n).findings).toEqual([{ ...root, code: 'NODE_OUTSIDE', phys: 0x1000n }]);
  });

  it('are counted when there are too many to keep', () => {
    const memory = new Memory();
    for (let index = 0; index < 512; index++) memory.entry(0, index, BASE);
    const walk = memory.walk();
    expect(walk.findings.length).toBe(5);
    expect(walk.findingCount).toBe(512);
    expect(walk.nodes).toBe(1);
  });

  it('of an empty view', () => {
    expect(walkRadixTree(kho4K, [], BASE).findings.map(({ code }) => code)).toEqual(['NODE_OUTSIDE']);
    const nothing = [{ start: BASE, bytes: new Uint8Array() }];
    expect(walkRadixTree(kho4K, nothing, BASE).findings.map(({ code }) => code)).toEqual(['NODE_OUTSIDE']);
  });
});

/** What holds for the walk of any bytes. */
function expectSane(walk: RadixWalk, pages: number): void {
  expect(walk.nodes + walk.leaves).toBeLessThanOrEqual(pages);
  expect(walk.findings.length).toBe(Math.min(walk.findingCount, 256));
  const ranges = [...walk.ranges];
  expect(ranges).toEqual([...new Set(ranges)].sort(ascending));
  const sum = ranges.reduce((total, at, i) => (i % 2 === 0 ? total - at : total + at), 0n);
  expect(walk.bytes).toBe(sum);
}

describe.each(SHAPES)('any bytes: $name', ({ target, pageShift }) => {
  const pageSize = 2 ** pageShift;

  it('random words, mostly pointers into the view', () => {
    const word = fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 7 }).map((page) => BigInt(page * pageSize)) },
      { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
    );
    const place = fc.tuple(fc.integer({ min: 0, max: (6 * pageSize) / 8 - 1 }), word);
    fc.assert(
      fc.property(fc.array(place, { maxLength: 400 }), fc.boolean(), (places, dense) => {
        const bytes = Buffer.alloc(6 * pageSize, dense ? 0x5a : 0);
        for (const [index, value] of places) bytes.writeBigUInt64LE(value, index * 8);
        expectSane(walkRadixTree(target, [{ start: BigInt(pageSize), bytes }], BigInt(pageSize)), 6);
      }),
      { numRuns: 30 },
    );
  });

  it('a good tree with bytes changed', () => {
    const pages = BigUint64Array.of(1n, 2n, 3n, 4000n, 2n ** 30n);
    const tree = buildRadixTree(target, { pages, ranges: BigUint64Array.of(8n, 999n) });
    tree.relocate(BigInt(pageSize));
    // Few bytes of a tree are not zero: change those and their neighbours too.
    const used = [...tree.pages.keys()].filter((at) => tree.pages[at] !== 0);
    const at = fc.oneof(fc.nat(tree.pages.length - 1), fc.constantFrom(...used));
    const change = fc.tuple(at, fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = tree.pages.slice();
        for (const [offset, value] of changes) bytes[offset] = value;
        const memory = [{ start: BigInt(pageSize), bytes }];
        expectSane(walkRadixTree(target, memory, BigInt(pageSize)), tree.levels.length);
      }),
      { numRuns: 100 },
    );
  });
});
