import { benchNative } from '../addon.ts';
import { type BenchCase, TREE_BASE } from '../cases.ts';
import type { Contender, Prepared } from '../contender.ts';
import { GEOMETRY, pagesOf, runsOf, treeOf, treeRoom } from '../input.ts';

const { pageShift, depth } = GEOMETRY;
const NONE = new BigUint64Array();

/** The kernel's algorithm: one key, every level, one bit, one callback (binding/bench/kernel_radix.h). */
export const kernel: Contender = {
  prepare(bench) {
    if (bench.operation === 'walk-ranges') return walkRanges(bench);
    if (bench.operation === 'walk-pages') return walkPages(bench);
    return build(bench);
  },
};

function walkRanges(bench: BenchCase): Prepared {
  const { bytes, folios } = treeOf(bench);
  const window = new BigUint64Array(2 ** 16);
  const merged = bench.workload === 'host' ? 1 : 0;
  return {
    folios,
    run: (checked) =>
      benchNative().kernelWalkRanges(pageShift, depth, bytes, TREE_BASE, window, checked ? 1 : 0, merged),
  };
}

function walkPages(bench: BenchCase): Prepared {
  const { bytes, folios } = treeOf(bench);
  return {
    folios,
    run(checked) {
      const out = benchNative().hugeBytes(folios * 4);
      const count = benchNative().kernelWalkPages(pageShift, depth, bytes, TREE_BASE, out);
      return checked ? { count, sum: sumOfPages(new Uint32Array(out.buffer, 0, count)) } : { count };
    },
  };
}

function build(bench: BenchCase): Prepared {
  const isRanges = bench.operation === 'build-ranges';
  const runs = isRanges ? runsOf(bench) : { phys: NONE, orders: new Uint8Array(), counts: NONE };
  const pages = isRanges ? NONE : pagesOf(bench);
  const room = treeRoom(bench);
  return {
    folios: isRanges ? Number(runs.counts.reduce((sum, count) => sum + count, 0n)) : pages.length,
    run() {
      const bytes = benchNative().hugeBytes(room);
      const { phys, orders, counts } = runs;
      return { count: benchNative().kernelBuild(pageShift, depth, phys, orders, counts, pages, bytes) };
    },
  };
}

/** Sum of the numbers, as pairs: the same for the same list, whoever made it. */
export function sumOfPages(numbers: Uint32Array): bigint {
  return benchNative().sum(new BigUint64Array(numbers.buffer, numbers.byteOffset, numbers.length >> 1));
}
