import { alignDown, alignUp, maxOf, minOf } from '../base/numbers.ts';
import { type Interval, lowerBound, unionOf } from './intervals.ts';
import { Overlaps, type Taken } from './overlaps.ts';
import { isWithin, type Region, regionEnd } from './regions.ts';

export interface Request {
  /** Bytes, above 0. */
  size: bigint;
  /** Power of two. */
  alignment: bigint;
  /** Lowest address allowed. */
  min?: bigint;
  /** Address that the range must end at or below. */
  max?: bigint;
}

export interface HighRequest extends Request {
  /** Where to look instead of all RAM, ascending. */
  within?: readonly Region[];
}

/**
 * Hands out physical ranges of RAM. The same requests in the same order give the same addresses.
 * What it hands out never overlaps what is taken.
 */
export class Allocator {
  readonly #ram: readonly Region[];
  /** Everything ever taken, for telling people what is in the way. */
  readonly #taken = new Overlaps();
  /** The same as disjoint sorted intervals, neighbours merged, so that searching is cheap. */
  #busy: Interval[] = [];

  constructor(ram: readonly Region[]) {
    this.#ram = [...ram].sort((a, b) => (a.start < b.start ? -1 : 1));
  }

  /** Marks a range as taken, whatever else is there. */
  take(start: bigint, size: bigint, path: string): void {
    if (size === 0n) return;
    this.#taken.add(start, start + size, path);
    const first = this.#firstBusyEndingAtOrAfter(start);
    const merged = { start, end: start + size };
    let last = first;
    for (let next = this.#busy[last]; next && next.start <= merged.end; next = this.#busy[++last]) {
      if (next.start < merged.start) merged.start = next.start;
      if (next.end > merged.end) merged.end = next.end;
    }
    this.#busy.splice(first, last - first, merged);
  }

  /** The same for as many ranges as a memory map has, of which `conflicts` does not tell. */
  takeAll(ranges: readonly Region[]): void {
    const busy = this.#busy.map(({ start, end }) => ({ start, size: end - start }));
    this.#busy = unionOf([...busy, ...ranges]).map(({ start, size }) => ({ start, end: start + size }));
  }

  /** Everything taken that shares a byte with [start, start + size). */
  conflicts(start: bigint, size: bigint): Taken[] {
    const end = start + size;
    if (!this.#busyIn(start, end)) return [];
    return this.#taken.find(start, end);
  }

  inRam(start: bigint, size: bigint): boolean {
    return isWithin(this.#ram, start, start + size);
  }

  /** Lowest free range that fits, taken for `path`; undefined when none is left. */
  lowest(request: Request, path: string): bigint | undefined {
    for (const region of this.#ram) {
      const end = minOf(regionEnd(region), request.max);
      let at = alignUp(maxOf(region.start, request.min), request.alignment);
      while (at + request.size <= end) {
        const blocker = this.#busyIn(at, at + request.size);
        if (!blocker) {
          this.take(at, request.size, path);
          return at;
        }
        at = alignUp(blocker.end, request.alignment);
      }
    }
    return undefined;
  }

  /** Highest free range that fits, taken for `path`; undefined when none is left. */
  highest(request: HighRequest, path: string): bigint | undefined {
    for (const region of [...(request.within ?? this.#ram)].reverse()) {
      const floor = maxOf(region.start, request.min);
      let at = alignDown(minOf(regionEnd(region), request.max) - request.size, request.alignment);
      while (at >= floor) {
        const blocker = this.#busyIn(at, at + request.size);
        if (!blocker) {
          this.take(at, request.size, path);
          return at;
        }
        at = alignDown(blocker.start - request.size, request.alignment);
      }
    }
    return undefined;
  }

  /**
   * Where memblock puts a region of no size: the end of the highest free range, aligned down, that does not leave it
   * (mm/memblock.c: __memblock_find_range_top_down(), 7.3). It may find one between neighbours too, which are one here.
   */
  highestEmpty({ alignment, min, max, within = this.#ram }: Omit<HighRequest, 'size'>): bigint | undefined {
    for (const region of within.toReversed()) {
      const floor = maxOf(region.start, min);
      let end = minOf(regionEnd(region), max);
      while (end > floor) {
        const at = alignDown(end, alignment);
        const blocker = this.#busyIn(end - 1n, end) ?? this.#busyIn(at, end);
        if (!blocker && at >= floor) return at;
        end = blocker?.start ?? floor;
      }
    }
    return undefined;
  }

  /** A busy interval that shares a byte with [start, end). */
  #busyIn(start: bigint, end: bigint): Interval | undefined {
    const found = this.#busy[this.#firstBusyEndingAtOrAfter(start + 1n)];
    return found && found.start < end ? found : undefined;
  }

  #firstBusyEndingAtOrAfter(address: bigint): number {
    return lowerBound(this.#busy.length, (i) => (this.#busy[i]?.end ?? 0n) >= address);
  }
}
