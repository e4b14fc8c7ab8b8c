import { lowerBound, pairWith } from './intervals.ts';
import type { MapWalk } from './map-walk.ts';

/** What the receiver has reserved and marked after it read the memory map. */
export class Preserved {
  readonly #walk: MapWalk | undefined;
  readonly #lowestOrderWins: boolean;

  /** @param lowestOrderWins the order that is marked last where one page heads two blocks */
  constructor(walk: MapWalk | undefined, lowestOrderWins: boolean) {
    this.#walk = walk;
    this.#lowestOrderWins = lowestOrderWins;
  }

  /** start, end, …; ascending, merged across orders. */
  get ranges(): BigUint64Array {
    return (this.#walk ?? NOTHING).ranges;
  }

  /** Whether every byte of [start, end) is preserved. */
  contains(start: bigint, end: bigint): boolean {
    const { ranges } = this.#walk ?? NOTHING;
    const range = pairWith(ranges, start);
    return range !== undefined && end <= range.end;
  }

  /** Order that is marked on the page, as kho_restore_page() finds it; undefined where no block starts. */
  orderAt(phys: bigint): number | undefined {
    const { phys: heads, orders } = (this.#walk ?? NOTHING).folios;
    const last = lowerBound(heads.length, (i) => (heads[i] ?? 0n) > phys) - 1;
    if (last < 0 || heads[last] !== phys) return undefined;
    let first = last;
    while (first > 0 && heads[first - 1] === phys) first--;
    return orders[this.#lowestOrderWins ? first : last];
  }

  /** False where there are more blocks than were listed: then `orderAt` tells of the listed ones only. */
  get complete(): boolean {
    return !this.#walk?.foliosTruncated && !this.#walk?.rangesTruncated;
  }
}

const NOTHING = {
  ranges: new BigUint64Array(),
  folios: { phys: new BigUint64Array(), orders: new Uint8Array() },
} as const;
