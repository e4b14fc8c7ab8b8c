import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../src/abi/target.ts';
import { native } from '../../src/memory/native.ts';
import { type BlockNumbers, openRadixTree } from '../../src/memory/radix-reader.ts';
import { buildRadixTree, type PreservedEntries, walkRadixTree } from '../../src/memory/radix-tree.ts';
import { codeOf } from '../thrown.ts';
import { entriesOf, SHAPES } from './plain-tree.ts';

const BASE = 0x1_0000_0000n;
const kho4K = makeTarget({ generation: 'kho-v4' });

function treeAt(target: Parameters<typeof buildRadixTree>[0], entries: PreservedEntries) {
  const tree = buildRadixTree(target, entries);
  tree.relocate(BASE);
  return [{ start: BASE, bytes: tree.pages }];
}

const blocksOf = ({ base, numbers }: BlockNumbers) => Array.from(numbers, (number) => base + BigInt(number));

describe.each(SHAPES)('reading in parts: $name', ({ target, pageShift }) => {
  it('gives what a walk gives', () => {
    fc.assert(
      fc.property(entriesOf(pageShift), (entries) => {
        const memory = treeAt(target, entries);
        const walk = walkRadixTree(target, memory, BASE, { maxFolios: 2 ** 24 });
        const reader = openRadixTree(target, memory, BASE);
        const ranges: bigint[] = [];
        for (const part of reader.ranges({ window: 512 })) ranges.push(...part);
        expect(ranges).toEqual([...walk.ranges]);
        expect(reader.nodes).toBe(walk.nodes);
        expect(reader.leaves).toBe(walk.leaves);
        walk.byOrder.forEach((count, order) => {
          if (order > 64 - pageShift) return;
          const inParts: bigint[] = [];
          for (const part of reader.blocks(order, { window: 256 })) inParts.push(...blocksOf(part));
          const atOnce = reader.allBlocks(order).flatMap(blocksOf);
          expect(BigInt(inParts.length)).toBe(count);
          if (count > 0) expect(reader.orders).toContain(order);
          expect(atOnce).toEqual(inParts);
          expect(reader.allBlocks(order, { threads: 3 }).flatMap(blocksOf)).toEqual(inParts);
        });
      }),
      { numRuns: 10 },
    );
  });
});

describe('a reader', () => {
  const pages = BigUint64Array.from({ length: 5000 }, (_, i) => BigInt(3 * i));

  it('reads again what the memory holds then', () => {
    const memory = treeAt(kho4K, { pages });
    const reader = openRadixTree(kho4K, memory, BASE);
    expect(reader.orders).toEqual([0]);
    expect(reader.allBlocks(0)[0]?.numbers.length).toBe(5000);
    memory[0]?.bytes.fill(0, memory[0].bytes.length - 4096);
    expect(reader.allBlocks(0)).toEqual([]);
    expect([...reader.ranges()]).toEqual([]);
  });

  it('refuses memory that went away', () => {
    const memory = treeAt(kho4K, { pages });
    const copy = structuredClone(memory);
    const reader = openRadixTree(kho4K, copy, BASE);
    const iteration = reader.blocks(0, { window: 256 });
    expect(iteration.next().done).toBe(false);
    structuredClone(null, { transfer: copy.map(({ bytes }) => bytes.buffer as ArrayBuffer) });
    expect(() => iteration.next()).toThrow(RangeError);
    expect(() => reader.allBlocks(0)).toThrow(RangeError);
    expect(() => [...reader.ranges()]).toThrow(RangeError);
  });

  it('tells what is wrong with nodes', () => {
    const memory = treeAt(kho4K, { pages });
    const reader = openRadixTree(kho4K, memory, BASE + 1n);
    expect(reader.findings.map(({ code }) => code)).toEqual(['NODE_UNALIGNED']);
    expect(reader.findingCount).toBe(1);
  });

  it('refuses an order that no block has', () => {
    const reader = openRadixTree(kho4K, treeAt(kho4K, { pages }), BASE);
    for (const order of [-1, 53, 1.5]) {
      expect(codeOf(() => reader.allBlocks(order))).toBe('FOLIO_ORDER');
    }
  });

  it('is refused where another value is meant', () => {
    const { tree } = native().openRadixTree(12, 6, new BigUint64Array(), [], BASE, 1);
    const ranges = native().openRanges(tree);
    const blocks = native().openBlocks(tree, 0);
    const window = new BigUint64Array(512);
    for (const wrong of [undefined, {}, 1, tree, blocks]) {
      expect(() => Reflect.apply(native().nextRanges, undefined, [wrong, [], window])).toThrow(TypeError);
    }
    for (const wrong of [null, 'x', tree, ranges]) {
      const args = [wrong, [], new Uint32Array(256)];
      expect(() => Reflect.apply(native().nextBlocks, undefined, args)).toThrow(TypeError);
      expect(() => Reflect.apply(native().allBlocks, undefined, [wrong, [], 1])).toThrow(TypeError);
    }
    for (const wrong of [undefined, ranges, blocks]) {
      expect(() => Reflect.apply(native().listBlocks, undefined, [wrong, [], 0, 2])).toThrow(TypeError);
      expect(() => Reflect.apply(native().openRanges, undefined, [wrong])).toThrow(TypeError);
      expect(() => Reflect.apply(native().openBlocks, undefined, [wrong, 0])).toThrow(TypeError);
    }
    expect(() => native().nextRanges(ranges, [], new BigUint64Array(511))).toThrow(RangeError);
    expect(() => native().nextBlocks(blocks, [], new Uint32Array(255))).toThrow(RangeError);
    expect(() => native().openBlocks(tree, 53)).toThrow(RangeError);
  });
});
