import { availableParallelism } from 'node:os';
import { openRadixTree } from '../../memory/radix-reader.ts';
import { buildRadixTree } from '../../memory/radix-tree.ts';
import { benchNative } from '../addon.ts';
import { type BenchCase, TREE_BASE } from '../cases.ts';
import type { Contender, Outcome, Prepared } from '../contender.ts';
import { pagesOf, runsOf, TARGET, treeOf } from '../input.ts';
import { sumOfPages } from './kernel.ts';

const ROOM = { maxBytes: 2 ** 31 };

/** Our engine, through its public face. */
export const khoforge: Contender = {
  prepare(bench) {
    if (bench.operation === 'walk-ranges') return walkRanges(bench);
    if (bench.operation === 'walk-pages') return walkPages(bench);
    return build(bench);
  },
};

function walkRanges(bench: BenchCase): Prepared {
  const { bytes, folios } = treeOf(bench);
  const memory = [{ start: TREE_BASE, bytes }];
  return {
    folios,
    run(checked): Outcome {
      let count = 0;
      let sum = 0n;
      for (const window of openRadixTree(TARGET, memory, TREE_BASE).ranges()) {
        count += window.length / 2;
        if (checked) sum += benchNative().sum(window);
      }
      return { count, ...(checked && { sum: BigInt.asUintN(64, sum) }) };
    },
  };
}

/** The same with a thread for each core, where the work can be split. */
export const khoforgeCores: Contender = {
  prepare: (bench) =>
    bench.operation === 'walk-pages' ? walkPages(bench, availableParallelism()) : undefined,
};

function walkPages(bench: BenchCase, threads = 1): Prepared {
  const { bytes, folios } = treeOf(bench);
  const memory = [{ start: TREE_BASE, bytes }];
  return {
    folios,
    run(checked): Outcome {
      const reader = openRadixTree(TARGET, memory, TREE_BASE);
      const lists = reader.orders.flatMap((order) => reader.allBlocks(order, { threads }));
      const count = lists.reduce((total, { numbers }) => total + numbers.length, 0);
      const [first] = lists.length === 1 ? lists : [];
      return { count, ...(checked && first && { sum: sumOfPages(first.numbers) }) };
    },
  };
}

function build(bench: BenchCase): Prepared {
  if (bench.operation === 'build-ranges') {
    const folios = runsOf(bench);
    return {
      folios: Number(folios.counts.reduce((sum, count) => sum + count, 0n)),
      run: () => ({ count: buildRadixTree(TARGET, { folios }, ROOM).levels.length }),
    };
  }
  const pages = pagesOf(bench);
  return {
    folios: pages.length,
    run: () => ({ count: buildRadixTree(TARGET, { pages }, ROOM).levels.length }),
  };
}
