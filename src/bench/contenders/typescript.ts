import { KhoforgeError } from '../../base/errors.ts';
import { TREE_BASE } from '../cases.ts';
import type { Contender } from '../contender.ts';
import { GEOMETRY, pagesOf, runsOf, treeOf } from '../input.ts';

const { pageShift, depth, tableSizeLog2, bitmapSizeLog2 } = GEOMETRY;
const PAGE = 2 ** pageShift;
const BASE = Number(TREE_BASE);
const WHOLE_ORDER = 64 - pageShift;
/** 64 GiB. */
const MAX_PAGES = 2 ** 24;

/** The kernel's algorithm once more, in TypeScript as one would write it: numbers, typed arrays, a closure. */
export const typescript: Contender = {
  prepare(bench) {
    if (bench.size / PAGE > MAX_PAGES) {
      throw new KhoforgeError('CONTENDER_SLOW', 'left out above 64 GiB, where a run takes minutes');
    }
    if (bench.operation === 'walk-ranges') {
      const { bytes, folios } = treeOf(bench);
      return { folios, run: () => ({ count: countRanges(bytes, bench.workload === 'host') }) };
    }
    if (bench.operation === 'walk-pages') {
      const { bytes, folios } = treeOf(bench);
      return {
        folios,
        run() {
          const pages = new Uint32Array(folios);
          let count = 0;
          walk(bytes, (number) => {
            pages[count++] = number;
          });
          return { count };
        },
      };
    }
    if (bench.operation === 'build-ranges') {
      const { phys, orders, counts } = runsOf(bench);
      const starts = Array.from(phys, (at) => Number(at) / PAGE);
      const lengths = Array.from(counts, Number);
      const folios = lengths.reduce((sum, count) => sum + count, 0);
      return {
        folios,
        run() {
          const tree = new Tree();
          for (const [i, start] of starts.entries()) {
            const order = orders[i] ?? 0;
            for (let n = 0; n < (lengths[i] ?? 0); n++) tree.add(start + n * 2 ** order, order);
          }
          return { count: tree.pages };
        },
      };
    }
    const list = pagesOf(bench);
    // The lower halves: page numbers below 2^32.
    const words = new Uint32Array(list.buffer, list.byteOffset, list.length * 2);
    return {
      folios: list.length,
      run() {
        const tree = new Tree();
        for (let i = 0; i < words.length; i += 2) tree.add(words[i] ?? 0, 0);
        return { count: tree.pages };
      },
    };
  },
};

type OnBlock = (number: number, order: number) => void;

function walk(bytes: Uint8Array, onBlock: OnBlock): void {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  walkNode(words, 0, depth - 1, 0, onBlock);
}

function walkNode(words: Uint32Array, at: number, level: number, prefix: number, onBlock: OnBlock): void {
  const span = 2 ** (bitmapSizeLog2 + (level - 1) * tableSizeLog2);
  for (let index = 0; index < 2 ** tableSizeLog2; index++) {
    const entry = (words[at + 2 * index] ?? 0) + (words[at + 2 * index + 1] ?? 0) * 2 ** 32;
    if (entry === 0) continue;
    const child = (entry - BASE) / 4;
    if (level === 1) walkLeaf(words, child, prefix + index * span, onBlock);
    else walkNode(words, child, level - 1, prefix + index * span, onBlock);
  }
}

function walkLeaf(words: Uint32Array, at: number, prefix: number, onBlock: OnBlock): void {
  for (let i = 0; i < PAGE / 4; i++) {
    for (let word = words[at + i] ?? 0; word !== 0; word &= word - 1) {
      const key = prefix + i * 32 + 31 - Math.clz32(word & -word);
      const top = Math.floor(Math.log2(key));
      onBlock(key - 2 ** top, WHOLE_ORDER - top);
    }
  }
}

function countRanges(bytes: Uint8Array, merged: boolean): number {
  const ranges: { start: number; end: number }[] = [];
  let count = 0;
  let [start, end] = [-1, -1];
  walk(bytes, (number, order) => {
    const pfn = number * 2 ** order;
    if (pfn !== end) {
      if (end >= 0) {
        count += 1;
        if (merged) ranges.push({ start, end });
      }
      start = pfn;
    }
    end = pfn + 2 ** order;
  });
  if (end >= 0) count += 1;
  if (!merged) return count;
  ranges.push({ start, end });
  ranges.sort((a, b) => a.start - b.start);
  return ranges.filter((range, i) => range.start !== ranges[i - 1]?.end).length;
}

class Node {
  readonly children: (Node | Uint32Array | undefined)[] = new Array(2 ** tableSizeLog2);
}

class Tree {
  readonly #root = new Node();
  pages = 1;

  add(pfn: number, order: number): void {
    const key = 2 ** (WHOLE_ORDER - order) + pfn / 2 ** order;
    let node = this.#root;
    for (let level = depth - 1; level > 0; level--) {
      const shift = 2 ** (bitmapSizeLog2 + (level - 1) * tableSizeLog2);
      const index = Math.floor(key / shift) % 2 ** tableSizeLog2;
      let next = node.children[index];
      if (next === undefined) {
        next = level === 1 ? new Uint32Array(PAGE / 4) : new Node();
        node.children[index] = next;
        this.pages += 1;
      }
      if (next instanceof Node) node = next;
      else this.#set(next, key % 2 ** bitmapSizeLog2);
    }
  }

  #set(leaf: Uint32Array, bit: number): void {
    leaf[bit >>> 5] = (leaf[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }
}
