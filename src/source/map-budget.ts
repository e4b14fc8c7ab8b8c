import type { Target } from '../abi/target.ts';
import { KhoforgeError } from '../base/errors.ts';
import type { MapWalk } from '../memory/map-walk.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { walkMemoryMap } from '../memory/walk-map.ts';

/**
 * Pages of memory maps, 1 GiB of them, that are read to choose between root FDTs: each may lead to the same large map,
 * or to most of it. A map of all the pages of 32 TiB has as many.
 */
const MAX_PAGES = 1 << 18;

/** Keeps the choice between what looks like a handover within bounds, however much does. */
export class MapBudget {
  #left: number;

  constructor(pages = MAX_PAGES) {
    this.#left = pages;
  }

  /** Whether no more maps are read. */
  get isSpent(): boolean {
    return this.#left <= 0;
  }

  /** @returns undefined for what is no map of this target, or is one too many */
  walk(memory: PhysicalMemory, target: Target, map: bigint): MapWalk | undefined {
    if (this.isSpent) return undefined;
    try {
      const walk = walkMemoryMap(target, memory, map);
      this.#left -= walk.nodes + walk.leaves;
      return walk;
    } catch (error) {
      if (error instanceof KhoforgeError) return undefined;
      throw error;
    }
  }
}
