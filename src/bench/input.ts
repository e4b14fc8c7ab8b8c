import { radixGeometry } from '../abi/radix.ts';
import { makeTarget } from '../abi/target.ts';
import { buildRadixTree } from '../memory/radix-tree.ts';
import { benchNative } from './addon.ts';
import { type BenchCase, FIRST_PFN, PAGE_SHIFT, PATTERNS, TREE_BASE } from './cases.ts';

export const TARGET = makeTarget({ release: '7.3' });
export const GEOMETRY = radixGeometry(TARGET);

const SEED = 7;
const LEAF = 2 ** PAGE_SHIFT;

/** Runs of folios, as PreservedEntries has them. */
export interface FolioRuns {
  readonly phys: BigUint64Array;
  readonly orders: Uint8Array;
  readonly counts: BigUint64Array;
}

/** One bit per base page; undefined for a workload of many orders. */
export function bitmapOf({ workload, size }: BenchCase): Uint8Array | undefined {
  if (workload === 'host') return undefined;
  const pattern = PATTERNS.indexOf(workload);
  const bits = benchNative().hugeBytes(size / 2 ** PAGE_SHIFT / 8);
  benchNative().fill(pattern, SEED, bits);
  return bits;
}

/** The tree's pages in huge pages, and the bytes of its leaves. */
export interface TreeInput {
  readonly bytes: Uint8Array;
  readonly leafBytes: number;
  readonly folios: number;
}

export function treeOf(bench: BenchCase): TreeInput {
  const bits = bitmapOf(bench);
  const runs = bits ? denseRuns(bench) : hostRuns(bench);
  const tree = buildRadixTree(TARGET, { folios: runs });
  tree.relocate(TREE_BASE);
  const bytes = benchNative().hugeBytes(tree.pages.length);
  bytes.set(tree.pages);
  let leaf = 0;
  tree.levels.forEach((level, page) => {
    if (level !== 0) return;
    if (bits) bytes.set(bits.subarray(leaf * LEAF, (leaf + 1) * LEAF), page * LEAF);
    leaf += 1;
  });
  return {
    bytes,
    leafBytes: leaf * LEAF,
    folios: bits ? benchNative().count(bits) : runs.phys.length,
  };
}

/** What is preserved, as runs of folios. */
export function runsOf(bench: BenchCase): FolioRuns {
  if (bench.workload === 'host') return hostRuns(bench);
  if (bench.workload === 'dense') return denseRuns(bench);
  const run = 512;
  const count = bench.size / 2 ** PAGE_SHIFT / run / 2;
  const phys = BigUint64Array.from({ length: count }, (_, i) =>
    BigInt((FIRST_PFN + 2 * run * i) * 2 ** PAGE_SHIFT),
  );
  return { phys, orders: new Uint8Array(count), counts: new BigUint64Array(count).fill(BigInt(run)) };
}

/** Page frame numbers, ascending or shuffled. */
export function pagesOf(bench: BenchCase): BigUint64Array {
  const bits = bitmapOf(bench);
  if (!bits) return new BigUint64Array();
  const list = wordsOf(benchNative().hugeBytes(benchNative().count(bits) * 8));
  benchNative().list(bits, BigInt(FIRST_PFN), list);
  if (bench.operation === 'build-unsorted') benchNative().shuffle(SEED, list);
  return list;
}

/** Bytes that a tree of this workload has at most. */
export function treeRoom({ size }: BenchCase): number {
  const leaves = size / 2 ** PAGE_SHIFT / 8 / LEAF;
  return (leaves + leaves / 512 + 512) * LEAF;
}

export const wordsOf = (bytes: Uint8Array) =>
  new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);

function denseRuns({ size }: BenchCase): FolioRuns {
  return {
    phys: BigUint64Array.of(BigInt(FIRST_PFN) << BigInt(PAGE_SHIFT)),
    orders: new Uint8Array(1),
    counts: BigUint64Array.of(BigInt(size / 2 ** PAGE_SHIFT)),
  };
}

function hostRuns({ size }: BenchCase): FolioRuns {
  const { phys, orders } = benchNative().host(SEED, FIRST_PFN, size / 2 ** PAGE_SHIFT);
  return { phys, orders, counts: new BigUint64Array(phys.length).fill(1n) };
}
