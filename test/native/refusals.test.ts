import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../src/abi/target.ts';
import { KhoforgeError } from '../../src/base/errors.ts';
import { buildRadixTree, type PreservedEntries, walkRadixTree } from '../../src/memory/radix-tree.ts';

const target = makeTarget({ generation: 'kho-v4' });

function caught(call: () => unknown): KhoforgeError {
  try {
    call();
  } catch (error) {
    if (error instanceof KhoforgeError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function folio(phys: bigint, order: number, count = 1n): PreservedEntries {
  return {
    folios: {
      phys: BigUint64Array.of(0x1000n, phys),
      orders: Uint8Array.of(0, order),
      counts: BigUint64Array.of(1n, count),
    },
  };
}

const LAST = 2n ** 52n - 1n;

describe('entries are refused by name, with their place and value', () => {
  it.each<[string, PreservedEntries, string]>([
    [
      'MAP_RANGE_PFN_ZERO',
      { ranges: BigUint64Array.of(1n, 2n, 0n, 8n) },
      'ranges[1], pfn 0x0 to 0x8, starts at pfn 0',
    ],
    ['MAP_RANGE_EMPTY', { ranges: BigUint64Array.of(9n, 9n) }, 'ranges[0], pfn 0x9 to 0x9, is empty'],
    [
      'MAP_RANGE_BACKWARD',
      { ranges: BigUint64Array.of(9n, 8n) },
      'ranges[0], pfn 0x9 to 0x8, ends before it starts',
    ],
    [
      'MAP_RANGE_BEYOND',
      { ranges: BigUint64Array.of(9n, LAST + 1n) },
      'ranges[0], pfn 0x9 to 0x10000000000000, ends at 2^64',
    ],
    [
      'MAP_FOLIO_MISALIGNED',
      folio(0x1000n, 1),
      'folios[1], 1 of order 1 at 0x1000, is not aligned to its size',
    ],
    ['MAP_FOLIO_MISALIGNED', folio(0x1800n, 0), 'folios[1], 1 of order 0 at 0x1800, is not aligned'],
    ['MAP_FOLIO_ORDER', folio(0n, 53), 'folios[1], 1 of order 53 at 0x0, has an order that no address has'],
    ['MAP_FOLIO_BEYOND', folio(0n, 52), 'folios[1], 1 of order 52 at 0x0, ends at 2^64'],
    [
      'MAP_FOLIO_BEYOND',
      folio(LAST << 12n, 0),
      'folios[1], 1 of order 0 at 0xfffffffffffff000, ends at 2^64',
    ],
    ['MAP_FOLIO_BEYOND', folio(0n, 51, 2n), 'folios[1], 2 of order 51 at 0x0, ends at 2^64'],
    ['MAP_FOLIO_EMPTY', folio(0x1000n, 0, 0n), 'folios[1], 0 of order 0 at 0x1000, has a count of 0'],
    [
      'MAP_PAGE_BEYOND',
      { pages: BigUint64Array.of(4n, 5n, LAST) },
      'pages[2], pfn 0xfffffffffffff, ends at 2^64',
    ],
    ['MAP_ENTRIES', { ranges: BigUint64Array.of(4n) }, '1 range ends'],
    [
      'MAP_ENTRIES',
      { folios: { phys: BigUint64Array.of(0n), orders: new Uint8Array() } },
      '1 folios, 0 orders',
    ],
  ])('%s %#', (code, entries, text) => {
    const error = caught(() => buildRadixTree(target, entries));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
  });

  it('keeps the place apart for programs', () => {
    expect(caught(() => buildRadixTree(target, folio(0x1000n, 9))).where).toEqual({ path: 'folios[1]' });
  });

  it('accepts folios and pages at address 0', () => {
    const folios = { phys: BigUint64Array.of(0n), orders: Uint8Array.of(3) };
    expect(buildRadixTree(target, { folios, pages: BigUint64Array.of(0n) }).levels.length).toBe(11);
  });
});

describe('targets, sizes and addresses', () => {
  it('refuses a tree above the limit before it is allocated', () => {
    const folios = { phys: BigUint64Array.of(0n), orders: Uint8Array.of(0), counts: BigUint64Array.of(LAST) };
    const error = caught(() => buildRadixTree(target, { folios }));
    expect(error.code).toBe('MAP_TOO_LARGE');
    expect(error.message).toMatch(/1\d{11} pages of 4096 bytes/);
    expect(caught(() => buildRadixTree(target, folio(0n, 0), { maxBytes: 0 })).code).toBe('MAP_TOO_LARGE');
  });

  it('refuses a big-endian target', () => {
    const big = makeTarget({ release: '7.3', endian: 'big' });
    expect(caught(() => buildRadixTree(big, {})).code).toBe('MAP_BIG_ENDIAN');
    expect(caught(() => walkRadixTree(big, [], 0n)).code).toBe('MAP_BIG_ENDIAN');
  });

  it.each([0x1001n, -0x1000n, 2n ** 64n - 0x1000n, 2n ** 64n])('refuses base %s', (base) => {
    const tree = buildRadixTree(target, { pages: BigUint64Array.of(1n) });
    expect(caught(() => tree.relocate(base)).code).toBe('MAP_BASE');
  });

  it('refuses extents out of order, and addresses that are none', () => {
    const bytes = new Uint8Array(4096);
    const extents = [
      { start: 0x1000n, bytes },
      { start: 0x1fffn, bytes },
    ];
    const error = caught(() => walkRadixTree(target, extents, 0x1000n));
    expect(error.code).toBe('MAP_VIEW_UNSORTED');
    expect(error.message).toContain('extent 1, 4096 bytes at 0x1fff, overlaps or precedes');
    expect(caught(() => walkRadixTree(target, [{ start: -1n, bytes }], 0n)).code).toBe('MAP_ADDRESS');
    expect(caught(() => walkRadixTree(target, [], 2n ** 64n)).code).toBe('MAP_ADDRESS');
  });
});
