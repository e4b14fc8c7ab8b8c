import { benchNative } from '../addon.ts';
import type { Contender } from '../contender.ts';
import { treeOf } from '../input.ts';

/** The machine itself: reads, or writes, as many bytes as the tree's leaves have, and does nothing else. */
export const memory: Contender = {
  prepare(bench) {
    if (bench.operation !== 'walk-ranges' && bench.operation !== 'build-ranges') return undefined;
    const { leafBytes, folios } = treeOf(bench);
    const bytes = benchNative().hugeBytes(leafBytes);
    benchNative().streamWrite(bytes);
    const run =
      bench.operation === 'walk-ranges'
        ? () => benchNative().streamRead(bytes)
        : () => benchNative().streamWrite(bytes);
    return {
      folios,
      run() {
        run();
        return { count: 0 };
      },
    };
  },
};
