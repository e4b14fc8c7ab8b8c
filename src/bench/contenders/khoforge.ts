import { buildRadixTree, walkRadixTree } from '../../memory/radix-tree.ts';
import { TREE_BASE } from '../cases.ts';
import type { Contender } from '../contender.ts';
import { pagesOf, runsOf, TARGET, treeOf } from '../input.ts';

const ROOM = { maxBytes: 2 ** 31 };

/** Our engine, through its public face. */
export const khoforge: Contender = {
  prepare(bench) {
    if (bench.operation === 'walk-ranges') {
      const { bytes, folios } = treeOf(bench);
      const memory = [{ start: TREE_BASE, bytes }];
      return {
        folios,
        run(checked) {
          const { ranges } = walkRadixTree(TARGET, memory, TREE_BASE, { maxRanges: 2 ** 32 });
          const sum = checked ? ranges.reduce((total, value) => BigInt.asUintN(64, total + value), 0n) : 0n;
          return { count: ranges.length / 2, ...(checked && { sum }) };
        },
      };
    }
    if (bench.operation === 'walk-pages') return undefined;
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
  },
};
