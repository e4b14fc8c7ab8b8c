/**
 * The oracle of these tests: the radix tree read and written one key at a time, straight from the facts
 * (kernel/liveupdate/kexec_handover.c, 7.1 to 7.3: encode and decode of a key, index per level, split of a range).
 * It shares no code with src/ or binding/.
 */
import fc from 'fast-check';
import { makeTarget } from '../../src/abi/target.ts';
import type { PreservedEntries, RadixTarget } from '../../src/memory/radix-tree.ts';

export interface Shape {
  name: string;
  target: RadixTarget;
  pageShift: 12 | 14 | 16;
  /** Levels, the leaf included, worked out by hand from KHO_TREE_MAX_DEPTH. */
  depth: number;
}

function shape(generation: string, pageShift: 12 | 14 | 16, depth: number): Shape {
  const name = `${generation}, ${2 ** (pageShift - 10)} KiB pages`;
  return {
    name,
    target: makeTarget({ generation, arch: 'arm64', pageSize: 2 ** pageShift }),
    pageShift,
    depth,
  };
}

export const SHAPES: readonly Shape[] = [
  shape('kho-v2', 12, 6),
  shape('kho-v2', 14, 4),
  shape('kho-v2', 16, 4),
  shape('kho-v3', 12, 6),
  shape('kho-v3', 14, 5),
  shape('kho-v3', 16, 4),
  shape('kho-v4', 12, 6),
  shape('kho-v4', 14, 5),
  shape('kho-v4', 16, 4),
];

export interface Block {
  phys: bigint;
  order: number;
}

export function keyOf({ phys, order }: Block, pageShift: number): bigint {
  return 2n ** BigInt(64 - pageShift - order) + phys / 2n ** BigInt(pageShift + order);
}

/** undefined where the key has no order bit, or names a block that ends at 2^64. */
export function blockOf(key: bigint, pageShift: number): Block | undefined {
  if (key === 0n) return undefined;
  const top = key.toString(2).length - 1;
  const order = 64 - pageShift - top;
  const phys = (key - 2n ** BigInt(top)) * 2n ** BigInt(pageShift + order);
  return phys + sizeOf(order, pageShift) < 2n ** 64n ? { phys, order } : undefined;
}

export function sizeOf(order: number, pageShift: number): bigint {
  return 2n ** BigInt(order + pageShift);
}

/** A key as the tree can hold it: what is above the highest level is lost. */
export function indexedKey(key: bigint, { pageShift, depth }: Shape): bigint {
  return key % 2n ** BigInt(pageShift + 3 + (depth - 1) * (pageShift - 3));
}

/** Splits by trying every order. */
export function splitPlainly(start: bigint, end: bigint): { pfn: bigint; order: number }[] {
  const blocks: { pfn: bigint; order: number }[] = [];
  for (let pfn = start; pfn < end; ) {
    let order = 0;
    while (pfn % 2n ** BigInt(order + 1) === 0n && pfn + 2n ** BigInt(order + 1) <= end) order++;
    blocks.push({ pfn, order });
    pfn += 2n ** BigInt(order);
  }
  return blocks;
}

/** Every key that a tree says, found bit by bit. Entries are offsets in `pages` plus `base`. */
export function keysOf(pages: Uint8Array, { pageShift, depth }: Shape, base = 0n): bigint[] {
  const pageSize = 2 ** pageShift;
  const view = new DataView(pages.buffer, pages.byteOffset, pages.byteLength);
  const keys: bigint[] = [];
  const read = (page: number, level: number, prefix: bigint): void => {
    if (level === 0) {
      for (let at = 0; at < pageSize; at++) {
        const byte = pages[page * pageSize + at] ?? 0;
        for (let bit = 0; byte >> bit > 0; bit++) {
          if ((byte >> bit) & 1) keys.push(prefix + BigInt(at * 8 + bit));
        }
      }
      return;
    }
    for (let index = 0; index < pageSize / 8; index++) {
      const at = page * pageSize + index * 8;
      // Nearly all are zero, and a bigint is slow.
      if (view.getUint32(at, true) === 0 && view.getUint32(at + 4, true) === 0) continue;
      const entry = view.getBigUint64(at, true);
      const child = Number((entry - base) / BigInt(pageSize));
      const shift = BigInt((level - 1) * (pageShift - 3) + pageShift + 3);
      read(child, level - 1, prefix + (BigInt(index) << shift));
    }
  };
  read(0, depth - 1, 0n);
  return keys;
}

/** Every key that the entries mean, without duplicates, ascending, as the tree can hold it. */
export function keysOfEntries(entries: PreservedEntries, shape: Shape): bigint[] {
  const page = 2n ** BigInt(shape.pageShift);
  const blocks: Block[] = [];
  const { ranges = [], folios, pages = [] } = entries;
  for (let i = 0; i + 1 < ranges.length; i += 2) {
    const split = splitPlainly(ranges[i] ?? 0n, ranges[i + 1] ?? 0n);
    blocks.push(...split.map(({ pfn, order }) => ({ phys: pfn * page, order })));
  }
  folios?.phys.forEach((phys, i) => {
    const order = folios.orders[i] ?? 0;
    for (let n = 0n; n < (folios.counts?.[i] ?? 1n); n++) {
      blocks.push({ phys: phys + n * sizeOf(order, shape.pageShift), order });
    }
  });
  for (const pfn of pages) blocks.push({ phys: pfn * page, order: 0 });
  const keys = blocks.map((block) => indexedKey(keyOf(block, shape.pageShift), shape));
  return [...new Set(keys)].sort(ascending);
}

export function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Start and end addresses of the blocks, merged where they touch or overlap. */
export function coalesce(blocks: readonly Block[], pageShift: number): bigint[] {
  const merged: bigint[] = [];
  for (const { phys, order } of [...blocks].sort((a, b) => ascending(a.phys, b.phys))) {
    const end = phys + sizeOf(order, pageShift);
    const last = merged.at(-1);
    if (last === undefined || phys > last) merged.push(phys, end);
    else if (end > last) merged[merged.length - 1] = end;
  }
  return merged;
}

/** Entries of all kinds: low, close together, repeated and overlapping, and now and then high. */
export function entriesOf(pageShift: number): fc.Arbitrary<PreservedEntries> {
  const near = fc.bigInt({ min: 1n, max: 5000n });
  const pfn = fc.oneof(
    { weight: 5, arbitrary: near },
    { weight: 1, arbitrary: fc.bigInt({ min: 1n, max: 2n ** BigInt(52 - pageShift) }) },
  );
  const range = fc
    .tuple(pfn, fc.oneof(near, fc.bigInt({ min: 1n, max: 2n ** 30n })))
    .map(([start, length]) => [start, start + length]);
  const folio = fc.tuple(pfn, fc.integer({ min: 0, max: 20 }), fc.bigInt({ min: 1n, max: 40n }));
  return fc
    .record({
      ranges: fc.array(range, { maxLength: 5 }),
      folios: fc.array(folio, { maxLength: 12 }),
      pages: fc.array(pfn, { maxLength: 60 }),
    })
    .map(({ ranges, folios, pages }) => ({
      ranges: BigUint64Array.from(ranges.flat()),
      folios: {
        phys: BigUint64Array.from(
          folios,
          ([at, order]) => (at >> BigInt(order)) << BigInt(order + pageShift),
        ),
        orders: Uint8Array.from(folios, ([, order]) => order),
        counts: BigUint64Array.from(folios, ([, , count]) => count),
      },
      pages: BigUint64Array.from(pages),
    }));
}
