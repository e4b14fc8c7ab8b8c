import { KhoforgeError } from '../base/errors.ts';
import { alignDown, alignUp, hex, humanSize, isAligned } from '../base/numbers.ts';
import type { SpecPath } from '../base/spec-path.ts';
import { Allocator } from '../memory/allocator.ts';
import { pairs } from '../memory/intervals.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { Placement } from '../model/image.ts';
import { PathIndex } from './path-index.ts';
import { PlaceChecks, type PlaceChecksOptions } from './place-checks.ts';

/** Blocks side by side. */
export interface Row {
  /** Number of the first one. */
  readonly first: number;
  readonly count: number;
  readonly start: bigint;
}

/** An address that is asked for, and the part of the spec that does. */
export interface Place {
  readonly start: bigint;
  readonly specPath: SpecPath;
}

export interface PlacerOptions extends PlaceChecksOptions {
  readonly ram: readonly Region[];
  /** Addresses asked for, by the path of the structure. */
  readonly place: ReadonlyMap<string, Place>;
  /** Paths that have a place of their own, also while their sizes are found out and `place` is empty. */
  readonly splits: ReadonlySet<string>;
  /** Sizes of the structures in `place`, known from an earlier pass, so that nothing else is put there. */
  readonly placeSizes: ReadonlyMap<string, bigint>;
  /** Whether only the sizes of structures are wanted, not what they hold. */
  readonly measuring: boolean;
}

const MAX_ROW_SIZE = 256n << 20n;

/** An end has to be a 64-bit number, so the last page below this is nobody's. */
const ALL_ADDRESSES = 1n << 64n;

/** Automatic placement starts above what firmware and a booting kernel use of low memory. */
const LOWEST = 2n << 20n;

/** Where a producer's structures come to stand: where the spec says, else in free memory outside scratch. */
export class Placer {
  readonly placements: Placement[] = [];
  readonly #options: PlacerOptions;
  readonly #pageSize: bigint;
  readonly #allocator: Allocator;
  readonly #checks: PlaceChecks;
  readonly #splits: PathIndex;
  readonly #placed = new Set<string>();

  constructor(options: PlacerOptions) {
    this.#options = options;
    this.#pageSize = BigInt(options.target.pageSize);
    this.#splits = new PathIndex(options.splits);
    this.#allocator = new Allocator(options.ram);
    this.#checks = new PlaceChecks(options, this.#allocator);
    options.scratch.forEach(({ start, size }, i) => {
      this.#allocator.take(start, size, `scratch[${i}]`);
    });
    for (const ranges of options.measuring ? [] : options.taken.values()) {
      this.#allocator.takeAll(Array.from(pairs(ranges), ({ start, end }) => ({ start, size: end - start })));
    }
    for (const [path, size] of options.placeSizes) {
      const start = options.place.get(path)?.start;
      if (start !== undefined) this.#allocator.take(start, size, path);
    }
  }

  /** Whether the spec gives the structure a place. */
  isPlaced(path: string): boolean {
    return this.#options.splits.has(path);
  }

  /**
   * Memory for a structure: where `place` says, else the lowest free range outside scratch.
   * @param size bytes, rounded up to whole pages
   * @throws KhoforgeError `NO_ROOM` when RAM has no such free range
   */
  allocate(path: string, size: bigint, alignment: bigint = this.#pageSize): bigint {
    const bytes = alignUp(size, this.#pageSize);
    const start = this.#explicit(path, bytes) ?? this.#automatic(path, bytes, alignment);
    this.placements.push({ path, start, size: bytes });
    return start;
  }

  /**
   * Memory for `count` blocks of `size` bytes, in rows: a block that the spec places, `<path>[i]`, begins one. A row
   * without a place has at most MAX_ROW_SIZE bytes, so that there is room for it. Its path is that of its first block.
   * @param size bytes of a block, a power of two of pages
   */
  allocateRows(path: string, first: number, count: number, size: bigint): Row[] {
    const end = first + count;
    const inside = this.#splits.elements(path, first + 1, end);
    const longest = Math.max(1, Number(MAX_ROW_SIZE / size));
    return [first, ...inside].flatMap((at, i) => {
      const next = inside[i] ?? end;
      const step = this.isPlaced(`${path}[${at}]`) ? next - at : longest;
      const starts = Array.from({ length: Math.ceil((next - at) / step) }, (_, n) => at + n * step);
      return starts.map((start): Row => {
        const length = Math.min(step, next - start);
        const phys = this.allocate(`${path}[${start}]`, size * BigInt(length), size);
        return { first: start, count: length, start: phys };
      });
    });
  }

  /** Reports what is wrong with memory that has its place. */
  checkRanges(path: string, ranges: BigUint64Array): void {
    if (!this.#options.measuring) this.#checks.ranges(path, ranges);
  }

  /** A path in `place` at which nothing was allocated. */
  get unused(): string | undefined {
    return [...this.#options.place.keys()].find((path) => !this.#placed.has(path));
  }

  #explicit(path: string, size: bigint): bigint | undefined {
    const asked = this.#options.place.get(path);
    if (asked === undefined) return undefined;
    const { start, specPath } = asked;
    if (this.#placed.has(path)) {
      throw new KhoforgeError(
        'PLACE_TWICE',
        `two structures are called '${path}': both would be at one place`,
        {
          specPath,
          hint: 'give them names of their own',
        },
      );
    }
    this.#placed.add(path);
    this.#checkPages(path, asked, size);
    this.#options.checker.within(specPath, () => this.#checks.place(path, start, size));
    this.#allocator.take(start, size, path);
    return start;
  }

  /**
   * Everything here is made of pages, and no map and no record can tell what ends above the last of them.
   * @throws KhoforgeError `PLACE_UNALIGNED`, `PLACE_BEYOND`
   */
  #checkPages(path: string, { start, specPath }: Place, size: bigint): void {
    if (!isAligned(start, this.#pageSize)) {
      const message = `${hex(start)} is not aligned to ${humanSize(this.#pageSize)}, a page of ${path}`;
      const hint = `the page that it is in: ${hex(alignDown(start, this.#pageSize))}`;
      throw new KhoforgeError('PLACE_UNALIGNED', message, { specPath, hint });
    }
    const limit = ALL_ADDRESSES - this.#pageSize;
    if (start + size <= limit) return;
    const message = `${path}, ${humanSize(size)} at ${hex(start)}, ends at ${hex(start + size)}: above ${hex(limit)}`;
    throw new KhoforgeError('PLACE_BEYOND', message, {
      specPath,
      hint:
        size <= limit
          ? `the last address with room for it: ${hex(limit - size)}`
          : 'make it smaller than all memory is',
    });
  }

  #automatic(path: string, size: bigint, alignment: bigint): bigint {
    const start = this.#allocator.lowest({ size, alignment, min: LOWEST }, path);
    if (start !== undefined) return start;
    const ram = this.#options.ram
      .map((region) => `${hex(region.start)}-${hex(regionEnd(region))}`)
      .join(', ');
    throw new KhoforgeError(
      'NO_ROOM',
      `no room for ${path}: ${humanSize(size)} aligned to ${humanSize(alignment)} outside scratch`,
      {
        specPath: this.#options.checker.specPath ?? ['ram'],
        hint: `RAM is ${ram}: give the spec more ram, or smaller scratch`,
      },
    );
  }
}
