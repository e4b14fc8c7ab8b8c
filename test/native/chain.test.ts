import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../src/abi/target.ts';
import { buildBitmapChain, walkBitmapChain } from '../../src/memory/bitmap-chain.ts';
import { blocksOf, CHAIN_SHAPES, serializePlainly } from './plain-chain.ts';
import { coalesce, entriesOf } from './plain-tree.ts';

const CHUNKS = 0x3_0000_0000n;
const BITMAPS = 0x2_0000_0000n;
const ALL = { maxFolios: 2 ** 24 };
const v617 = makeTarget({ generation: 'kho-v1-6.17' });
const v618 = makeTarget({ generation: 'kho-v1-6.18' });

const listed = (phys: Iterable<bigint>, orders: Uint8Array) =>
  [...phys].map((at, i) => ({ phys: at, order: orders[i] }));

describe.each(CHAIN_SHAPES)('chain: $name', (shape) => {
  const { target, pageShift } = shape;

  it('has the bytes of one block at a time, and reads back', () => {
    fc.assert(
      fc.property(entriesOf(pageShift), (entries) => {
        const blocks = blocksOf(entries, pageShift);
        const chain = buildBitmapChain(target, entries);
        chain.relocate(CHUNKS, BITMAPS);
        const expected = serializePlainly(blocks, shape, CHUNKS, BITMAPS);
        expect(Buffer.compare(chain.chunks, expected.chunks)).toBe(0);
        expect(Buffer.compare(chain.bitmaps, expected.bitmaps)).toBe(0);
        if (blocks.length === 0) return;
        const memory = [
          { start: BITMAPS, bytes: chain.bitmaps },
          { start: CHUNKS, bytes: chain.chunks },
        ];
        const walk = walkBitmapChain(target, memory, CHUNKS, ALL);
        expect(listed(walk.folios.phys, walk.folios.orders)).toEqual(blocks);
        expect([...walk.ranges]).toEqual(coalesce(blocks, pageShift));
        expect(walk.nodes).toBe(chain.chunks.length / 2 ** pageShift);
        expect(walk.leaves).toBe(chain.bitmaps.length / chain.bitmapBytes);
        expect(walk.byOrder.reduce((sum, count) => sum + count, 0n)).toBe(BigInt(blocks.length));
      }),
      { numRuns: 20 },
    );
  });

  it('may be moved again', () => {
    const entries = {
      pages: BigUint64Array.of(1n, 2n ** 30n, 2n ** 33n),
      ranges: BigUint64Array.of(7n, 99n),
    };
    const once = buildBitmapChain(target, entries);
    once.relocate(2n * CHUNKS, 2n * BITMAPS);
    once.relocate(CHUNKS, BITMAPS);
    const expected = serializePlainly(blocksOf(entries, pageShift), shape, CHUNKS, BITMAPS);
    expect(Buffer.compare(once.chunks, expected.chunks)).toBe(0);
  });

  it('reads bitmaps and chunks that stand apart and are split over extents', () => {
    const entries = { pages: BigUint64Array.from({ length: 300 }, (_, i) => BigInt(i) << 20n) };
    const chain = buildBitmapChain(target, entries);
    chain.relocate(CHUNKS, BITMAPS);
    const memory = [[BITMAPS, chain.bitmaps] as const, [CHUNKS, chain.chunks] as const].flatMap(
      ([start, bytes]) =>
        Array.from({ length: Math.ceil(bytes.length / 5000) }, (_, i) => ({
          start: start + BigInt(i * 5000),
          bytes: bytes.slice(i * 5000, (i + 1) * 5000),
        })),
    );
    const walk = walkBitmapChain(target, memory, CHUNKS, ALL);
    expect(walk.findings).toEqual([]);
    expect(listed(walk.folios.phys, walk.folios.orders)).toEqual(blocksOf(entries, pageShift));
  });
});

describe('the two layouts of one compatible string', () => {
  const entries = { pages: BigUint64Array.of(100n, 5000n, 40_000n), ranges: BigUint64Array.of(2n, 4n) };
  const read = (writer: typeof v617 | typeof v618, reader: typeof v617 | typeof v618) => {
    const chain = buildBitmapChain(writer, entries);
    chain.relocate(CHUNKS, BITMAPS);
    const room = new Uint8Array(1 << 16);
    room.set(chain.bitmaps);
    const memory = [
      { start: BITMAPS, bytes: room },
      { start: CHUNKS, bytes: chain.chunks },
    ];
    return walkBitmapChain(reader, memory, CHUNKS, ALL);
  };

  it('agree with themselves', () => {
    for (const target of [v617, v618]) {
      expect([...read(target, target).ranges]).toEqual([
        0x2000n,
        0x4000n,
        0x64000n,
        0x65000n,
        0x1388000n,
        0x1389000n,
        0x9c40000n,
        0x9c41000n,
      ]);
    }
  });

  it('6.18 takes neighbours in the slab for the rest of a bitmap of 6.17 (5.1 of docs/kho-facts.md)', () => {
    const walk = read(v617, v618);
    expect([...walk.ranges]).toEqual(expect.arrayContaining([0x64000n, 0x65000n]));
    // Pages 5000 and 40000 are bits of the second and third bitmap: read as part of the first, too.
    expect(walk.byOrder[0]).toBeGreaterThan(3n);
    expect(walk.findings.map(({ code }) => code)).toContain('BITMAP_UNALIGNED');
  });

  it('6.17 reads only the first 16 MiB of each 128 MiB of 6.18 (5.2 of docs/kho-facts.md)', () => {
    const walk = read(v618, v617);
    expect([...walk.ranges]).toEqual([0x2000n, 0x4000n, 0x64000n, 0x65000n]);
    expect(walk.findings).toEqual([]);
  });
});

describe('refusals', () => {
  it.each([
    [{ ranges: BigUint64Array.of(0n, 8n) }, 'MAP_RANGE_PFN_ZERO', 'ranges[0]'],
    [
      { folios: { phys: BigUint64Array.of(0x1000n), orders: Uint8Array.of(1) } },
      'MAP_FOLIO_MISALIGNED',
      'folios[0]',
    ],
    [{ folios: { phys: BigUint64Array.of(0n), orders: Uint8Array.of(52) } }, 'MAP_FOLIO_BEYOND', 'folios[0]'],
    [{ pages: BigUint64Array.of(2n ** 52n - 1n) }, 'MAP_PAGE_BEYOND', 'pages[0]'],
    [{ ranges: BigUint64Array.of(1n) }, 'MAP_ENTRIES', '1 range ends'],
  ])('%# of entries, as a tree refuses them', (entries, code, text) => {
    expect(() => buildBitmapChain(v617, entries)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    );
  });

  it('of a chain above the limit before it is allocated', () => {
    const folios = {
      phys: BigUint64Array.of(0x1000n),
      orders: Uint8Array.of(0),
      counts: BigUint64Array.of(2n ** 51n),
    };
    expect(() => buildBitmapChain(v618, { folios })).toThrow(
      expect.objectContaining({ code: 'MAP_TOO_LARGE' }),
    );
  });

  it.each([
    [0x1800n, 0x2000n, 'chunks'],
    [0x1000n, 0x2100n, 'bitmaps'],
    [2n ** 64n - 0x1000n, 0x2000n, 'chunks'],
    [-0x1000n, 0x2000n, 'chunks'],
  ])('of chunks at %s and bitmaps at %s', (chunks, bitmaps, text) => {
    const chain = buildBitmapChain(v617, { pages: BigUint64Array.of(1n), ranges: BigUint64Array.of(2n, 4n) });
    expect(() => chain.relocate(chunks, bitmaps)).toThrow(
      expect.objectContaining({ code: 'MAP_BASE', message: expect.stringContaining(text) }),
    );
  });

  it('of targets that have no such map, or another byte order', () => {
    const radix = makeTarget({ generation: 'kho-v4' });
    expect(() => buildBitmapChain(radix, {})).toThrow(expect.objectContaining({ code: 'NOT_BITMAP_CHAIN' }));
    expect(() => walkBitmapChain({ ...v617, endian: 'big' }, [], 0n)).toThrow(
      expect.objectContaining({ code: 'MAP_BIG_ENDIAN' }),
    );
  });
});
