import { makeTarget } from '../../src/abi/target.ts';
/**
 * The oracle of the chain's tests: what kho-v1 kernels do, one block and one bit at a time, straight from the facts
 * (kernel/kexec_handover.c, 6.17 and 6.18: __kho_preserve_order, kho_mem_serialize, deserialize_bitmap). It shares no
 * code with src/ or binding/.
 */
import type { ChainTarget } from '../../src/memory/bitmap-chain.ts';
import type { PreservedEntries } from '../../src/memory/preserved-entries.ts';
import { ascending, type Block, sizeOf, splitPlainly } from './plain-tree.ts';

export interface ChainShape {
  name: string;
  target: ChainTarget;
  pageShift: 12 | 14 | 16;
  /** Bytes of a bitmap, by hand: 512 up to 6.17, a page from 6.18 on. */
  bitmapBytes: number;
}

export const CHAIN_SHAPES: readonly ChainShape[] = ([12, 14, 16] as const).flatMap((pageShift) =>
  (
    [
      ['kho-v1-6.17', 512],
      ['kho-v1-6.18', 2 ** pageShift],
      ['kho-v1', 2 ** pageShift],
    ] as const
  ).map(([generation, bitmapBytes]) => ({
    name: `${generation}, ${2 ** (pageShift - 10)} KiB pages`,
    target: makeTarget({ generation, arch: 'arm64', pageSize: 2 ** pageShift }),
    pageShift,
    bitmapBytes,
  })),
);

/** Every block that the entries mean, without duplicates, by address, then by order. */
export function blocksOf({ ranges, folios, pages }: PreservedEntries, pageShift: number): Block[] {
  const page = 2n ** BigInt(pageShift);
  const blocks = new Map<string, Block>();
  const add = (phys: bigint, order: number) => blocks.set(`${phys}:${order}`, { phys, order });
  for (let i = 0; i + 1 < (ranges?.length ?? 0); i += 2) {
    const split = splitPlainly(ranges?.[i] ?? 0n, ranges?.[i + 1] ?? 0n);
    for (const { pfn, order } of split) add(pfn * page, order);
  }
  folios?.phys.forEach((phys, i) => {
    const order = folios.orders[i] ?? 0;
    for (let n = 0n; n < (folios.counts?.[i] ?? 1n); n++) add(phys + n * sizeOf(order, pageShift), order);
  });
  for (const pfn of pages ?? []) add(pfn * page, 0);
  return [...blocks.values()].sort((a, b) => ascending(a.phys, b.phys) || a.order - b.order);
}

/** Chunks back to back from one address, bitmaps from another. */
export interface PlainChain {
  chunks: Buffer;
  bitmaps: Buffer;
}

/** Two levels of lists, orders and bitmaps, written out in ascending order. */
export function serializePlainly(
  blocks: readonly Block[],
  { pageShift, bitmapBytes }: ChainShape,
  chunkBase: bigint,
  bitmapBase: bigint,
): PlainChain {
  const bits = BigInt(bitmapBytes * 8);
  const pageSize = 2 ** pageShift;
  const chunks: Buffer[] = [];
  const bitmaps: Buffer[] = [];
  for (const order of [...new Set(blocks.map((block) => block.order))].sort((a, b) => a - b)) {
    const numbers = blocks
      .filter((block) => block.order === order)
      .map(({ phys }) => phys / sizeOf(order, pageShift));
    const indexes = [...new Set(numbers.map((number) => number / bits))].sort(ascending);
    for (const [i, index] of indexes.entries()) {
      const element = i % (pageSize / 16 - 1);
      if (element === 0) chunks.push(Buffer.alloc(pageSize));
      const chunk = chunks.at(-1);
      chunk?.writeUInt32LE(order, 8);
      chunk?.writeUInt32LE(element + 1, 12);
      chunk?.writeBigUInt64LE(index * bits * sizeOf(order, pageShift), 16 + element * 16);
      chunk?.writeBigUInt64LE(bitmapBase + BigInt(bitmaps.length * bitmapBytes), 24 + element * 16);
      const bitmap = Buffer.alloc(bitmapBytes);
      for (const number of numbers.filter((one) => one / bits === index)) {
        const bit = Number(number % bits);
        bitmap[bit >> 3] = (bitmap[bit >> 3] ?? 0) | (1 << (bit & 7));
      }
      bitmaps.push(bitmap);
    }
  }
  chunks.slice(0, -1).forEach((chunk, i) => {
    chunk.writeBigUInt64LE(chunkBase + BigInt((i + 1) * pageSize), 0);
  });
  return { chunks: Buffer.concat(chunks), bitmaps: Buffer.concat(bitmaps) };
}
