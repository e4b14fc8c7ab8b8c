import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../src/abi/target.ts';
import { buildBitmapChain, walkBitmapChain } from '../../src/memory/bitmap-chain.ts';
import type { MapWalk } from '../../src/memory/map-walk.ts';
import { CHAIN_SHAPES } from './plain-chain.ts';
import { ascending } from './plain-tree.ts';

const v618 = makeTarget({ generation: 'kho-v1-6.18' });
const BASE = 0x10000n;

/** Six pages. Page 0 is a chunk of order 0 whose only element is the bitmap in page 1, with page 3 preserved. */
class Memory {
  readonly bytes = Buffer.alloc(6 * 4096);

  constructor() {
    this.bytes.writeUInt32LE(1, 12);
    this.bytes.writeBigUInt64LE(BASE + 4096n, 24);
    this.bytes[4096] = 8;
  }

  walk(): MapWalk {
    return walkBitmapChain(v618, [{ start: BASE, bytes: this.bytes }], BASE, { maxFindings: 5 });
  }
}

describe('findings of a hostile chain', () => {
  const at = { phys: BASE, parent: BASE, level: 1, index: 0 };
  const cases: [string, (bytes: Buffer) => void, object][] = [
    ['a cycle', (b) => b.writeBigUInt64LE(BASE, 0), { ...at, code: 'CHUNK_TWICE' }],
    [
      'a next chunk outside',
      (b) => b.writeBigUInt64LE(0xdead000n, 0),
      { ...at, code: 'CHUNK_OUTSIDE', phys: 0xdead000n },
    ],
    [
      'an unaligned next chunk',
      (b) => b.writeBigUInt64LE(0x11008n, 0),
      { ...at, code: 'CHUNK_UNALIGNED', phys: 0x11008n },
    ],
    [
      'an order that no address has',
      (b) => b.writeUInt32LE(52, 8),
      { ...at, code: 'CHUNK_ORDER', index: 52 },
    ],
    [
      'a bitmap at 0',
      (b) => b.writeBigUInt64LE(0n, 24),
      { ...at, code: 'BITMAP_OUTSIDE', phys: 0n, level: 0 },
    ],
    [
      'a bitmap that ends outside',
      (b) => b.writeBigUInt64LE(0x15008n, 24),
      { ...at, code: 'BITMAP_OUTSIDE', phys: 0x15008n, level: 0 },
    ],
    [
      'an unaligned bitmap',
      (b) => b.writeBigUInt64LE(0x11200n, 24),
      { ...at, code: 'BITMAP_UNALIGNED', phys: 0x11200n, level: 0 },
    ],
    [
      'an unaligned phys_start',
      (b) => b.writeBigUInt64LE(0x1000000n, 16),
      { ...at, code: 'START_UNALIGNED', phys: 0x1000000n, level: 0 },
    ],
    [
      'the last page there is',
      (b) => b.writeBigUInt64LE(2n ** 64n - 0x4000n, 16),
      {
        code: 'ADDRESS_OVERFLOW',
        phys: 2n ** 64n - 0x1000n,
        parent: BASE + 4096n,
        level: 0,
        index: 3,
        order: 0,
      },
    ],
  ];

  it.each(cases)('%s', (_name, change, finding) => {
    const memory = new Memory();
    change(memory.bytes);
    const found = memory
      .walk()
      .findings.filter(({ code, phys }) => !(code === 'START_UNALIGNED' && phys > 2n ** 60n));
    expect(found).toEqual([finding]);
  });

  it('more elements than a chunk has', () => {
    const memory = new Memory();
    memory.bytes.writeUInt32LE(0xffffffff, 12);
    const walk = memory.walk();
    expect(walk.findings[0]).toMatchObject({ code: 'CHUNK_TOO_FULL', index: 0xffffffff });
    expect(walk.findingCount).toBe(1 + 254); // 254 elements of the chunk are zero
    expect(walk.leaves).toBe(1);
  });

  it('a page that two orders preserve', () => {
    const folios = { phys: BigUint64Array.of(0x200000n, 0x3ff000n), orders: Uint8Array.of(9, 0) };
    const chain = buildBitmapChain(v618, { folios });
    chain.relocate(BASE, BASE * 16n);
    const memory = [
      { start: BASE, bytes: chain.chunks },
      { start: BASE * 16n, bytes: chain.bitmaps },
    ];
    const walk = walkBitmapChain(v618, memory, BASE);
    expect(walk.findings).toEqual([
      {
        code: 'PRESERVED_TWICE',
        phys: 0x3ff000n,
        parent: 0n,
        level: 0,
        index: 0,
        order: 0,
        otherOrder: 9,
        size: 4096n,
      },
    ]);
    expect([...walk.ranges]).toEqual([0x200000n, 0x400000n]);
  });
});

/** What holds for the walk of any bytes. */
function expectSane(walk: MapWalk, bytes: number, pageSize: number): void {
  expect(walk.nodes).toBeLessThanOrEqual(bytes / pageSize);
  expect(walk.leaves).toBeLessThanOrEqual(bytes / 512 + 1);
  expect(walk.findings.length).toBe(Math.min(walk.findingCount, 256));
  const ranges = [...walk.ranges];
  expect(ranges).toEqual([...new Set(ranges)].sort(ascending));
  expect(walk.bytes).toBe(ranges.reduce((total, at, i) => (i % 2 === 0 ? total - at : total + at), 0n));
}

describe.each(CHAIN_SHAPES)('any bytes: $name', ({ target, pageShift }) => {
  const pageSize = 2 ** pageShift;
  const start = BigInt(pageSize);

  it('random words, mostly pointers into the view', () => {
    const word = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.integer({ min: 0, max: 56 }).map((eighth) => BigInt((eighth * pageSize) / 8)),
      },
      { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 300 }).map((count) => BigInt(count) << 32n) },
    );
    const place = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 20 }), word);
    fc.assert(
      fc.property(fc.array(place, { maxLength: 200 }), fc.boolean(), (places, dense) => {
        const bytes = Buffer.alloc(6 * pageSize, dense ? 0x5a : 0);
        for (const [page, index, value] of places) bytes.writeBigUInt64LE(value, page * pageSize + index * 8);
        expectSane(walkBitmapChain(target, [{ start, bytes }], start), bytes.length, pageSize);
      }),
      { numRuns: 30 },
    );
  });

  it('a good chain with bytes changed', () => {
    const pages = BigUint64Array.of(1n, 2n, 3n, 4000n, 2n ** 30n);
    const chain = buildBitmapChain(target, { pages, ranges: BigUint64Array.of(8n, 999n) });
    chain.relocate(start, start + BigInt(chain.chunks.length));
    const good = Buffer.concat([chain.chunks, chain.bitmaps]);
    const used = [...good.keys()].filter((at) => good[at] !== 0);
    const at = fc.oneof(fc.nat(good.length - 1), fc.constantFrom(...used));
    fc.assert(
      fc.property(fc.array(fc.tuple(at, fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = Buffer.from(good);
        for (const [offset, value] of changes) bytes[offset] = value;
        expectSane(walkBitmapChain(target, [{ start, bytes }], start), bytes.length, pageSize);
      }),
      { numRuns: 60 },
    );
  });
});
