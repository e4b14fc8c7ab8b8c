import type { Target } from '../abi/target.ts';
import { walkBitmapChain } from './bitmap-chain.ts';
import { mapPages } from './map-pages.ts';
import type { MapExtent, MapWalk, MapWalkOptions } from './map-walk.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import { walkRadixTree } from './radix-tree.ts';

const WALKERS = { radix: walkRadixTree, 'bitmap-chain': walkBitmapChain } as const;

/**
 * Reads a preserved memory map of whatever layout the target's generation has.
 * @param map its physical address
 * @throws KhoforgeError `MAP_VIEW_UNSORTED`, `MAP_ADDRESS`, `MAP_BIG_ENDIAN`
 */
export function walkMemoryMap(
  target: Target,
  memory: PhysicalMemory,
  map: bigint,
  options: MapWalkOptions = {},
): MapWalk {
  const walker = WALKERS[target.generation.memoryMap.kind];
  const walk = walker(target, memory.extents, map, options);
  if (!mayLeadIntoContents(memory, walk)) return walk;
  return walker(target, withMapPages(target, memory, map), map, options);
}

/** Whether a part of the map may be where bytes are made when they are read: the addon has only those that are held. */
function mayLeadIntoContents(memory: PhysicalMemory, { findings, findingCount }: MapWalk): boolean {
  if (memory.extents.length === memory.pieces.length) return false;
  if (findingCount > findings.length) return true;
  return findings.some(({ code, phys }) => code.endsWith('_OUTSIDE') && memory.covers(phys, 1));
}

/** The extents, and of contents the bytes that the map leads to. */
function withMapPages(target: Target, memory: PhysicalMemory, map: bigint): MapExtent[] {
  const made: MapExtent[] = [];
  for (const { start, size, isPresent } of mapPages(target, memory, map)) {
    if (isPresent) made.push(...memory.made(start, Number(size)));
  }
  return [...memory.extents, ...made].sort((a, b) => (a.start < b.start ? -1 : 1));
}
