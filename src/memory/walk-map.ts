import type { Target } from '../abi/target.ts';
import { walkBitmapChain } from './bitmap-chain.ts';
import type { MapExtent, MapWalk, MapWalkOptions } from './map-walk.ts';
import { walkRadixTree } from './radix-tree.ts';

const WALKERS = { radix: walkRadixTree, 'bitmap-chain': walkBitmapChain } as const;

/**
 * Reads a preserved memory map of whatever layout the target's generation has.
 * @param map its physical address
 * @throws KhoforgeError `MAP_VIEW_UNSORTED`, `MAP_ADDRESS`, `MAP_BIG_ENDIAN`
 */
export function walkMemoryMap(
  target: Target,
  memory: readonly MapExtent[],
  map: bigint,
  options: MapWalkOptions = {},
): MapWalk {
  return WALKERS[target.generation.memoryMap.kind](target, memory, map, options);
}
