import type { Target } from '../abi/target.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { hex, humanSize, overlaps } from '../base/numbers.ts';
import type { Allocator } from '../memory/allocator.ts';
import { type Interval, pairIn, pairs } from '../memory/intervals.ts';
import type { Taken } from '../memory/overlaps.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { Check, Checker } from './checks.ts';

export interface PlaceChecksOptions {
  readonly target: Target;
  readonly scratch: readonly Region[];
  readonly checker: Checker;
  /** Memory that has its place, start, end, … ascending, by the path of what is there: nothing else is put there. */
  readonly taken: ReadonlyMap<string, BigUint64Array>;
}

/** What is wrong with a place that a spec asks for. */
export class PlaceChecks {
  readonly #options: PlaceChecksOptions;
  readonly #allocator: Allocator;

  constructor(options: PlaceChecksOptions, allocator: Allocator) {
    this.#options = options;
    this.#allocator = allocator;
  }

  /** Reports what is wrong with a structure at `start`. */
  place(path: string, start: bigint, size: bigint): void {
    const range = () => `${path} at ${hex(start)}-${hex(start + size)}`;
    const broken = (check: Check, text: string) => this.#options.checker.broken(check, `${range()} ${text}`);
    const scratch = this.#options.scratch.findIndex((region) =>
      overlaps(start, start + size, region.start, regionEnd(region)),
    );
    if (scratch >= 0) broken('scratch-overlap', `is in scratch[${scratch}]`);
    if (!this.#allocator.inRam(start, size)) broken('outside-ram', 'is not in RAM');
    const { lowestPreserved } = ARCHITECTURES[this.#options.target.arch];
    if (start < lowestPreserved) broken('first-megabyte', `is below ${humanSize(lowestPreserved)}`);
    const other =
      this.#allocator
        .conflicts(start, size)
        .find((taken) => taken.path !== path && !/^scratch\[\d+\]$/.test(taken.path)) ??
      this.#takenIn(start, start + size, path);
    if (other) broken('placement-overlap', `overlaps ${other.path} at ${hex(other.start)}-${hex(other.end)}`);
  }

  /** As place() for each, but that no more than the first of a kind is reported. */
  ranges(path: string, ranges: BigUint64Array): void {
    const broken = (check: Check, { start, end }: Interval, text: string) =>
      this.#options.checker.broken(check, `${path} at ${hex(start)}-${hex(end)} ${text}`);
    this.#options.scratch.forEach((region, i) => {
      const hit = pairIn(ranges, region.start, regionEnd(region));
      if (hit) broken('scratch-overlap', hit, `is in scratch[${i}]`);
    });
    const { lowestPreserved } = ARCHITECTURES[this.#options.target.arch];
    const low = pairIn(ranges, 0n, lowestPreserved);
    if (low) broken('first-megabyte', low, `is below ${humanSize(lowestPreserved)}`);
    for (const range of pairs(ranges)) {
      if (this.#allocator.inRam(range.start, range.end - range.start)) continue;
      broken('outside-ram', range, 'is not in RAM');
      break;
    }
    for (const range of this.#options.taken.size > 1 ? pairs(ranges) : []) {
      const other = this.#takenIn(range.start, range.end, path);
      if (!other) continue;
      broken('placement-overlap', range, `overlaps ${other.path} at ${hex(other.start)}-${hex(other.end)}`);
      break;
    }
  }

  /** What of `taken`, but `path`, shares a byte with [start, end). */
  #takenIn(start: bigint, end: bigint, path: string): Taken | undefined {
    for (const [other, ranges] of this.#options.taken) {
      const hit = other === path ? undefined : pairIn(ranges, start, end);
      if (hit) return { ...hit, path: other };
    }
    return undefined;
  }
}
