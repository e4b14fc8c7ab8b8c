import type { Struct, StructName } from '../abi/declared.ts';
import { getOrder, maxPageOrder } from '../abi/page-order.ts';
import type { Target } from '../abi/target.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import { alignUp, hex, humanSize, isAligned, overlaps } from '../base/numbers.ts';
import type { ByteProgress } from '../base/progress.ts';
import type { SpecPath } from '../base/spec-path.ts';
import { didYouMean } from '../base/suggest.ts';
import { Allocator } from '../memory/allocator.ts';
import { type Interval, pairIn, pairs } from '../memory/intervals.ts';
import type { Taken } from '../memory/overlaps.ts';
import { PhysicalMemory } from '../memory/physical-memory.ts';
import { PreservedList } from '../memory/preserved-list.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { Placement } from '../model/image.ts';
import type { Check, Checker } from './checks.ts';
import type { Overrides } from './overrides.ts';
import { PathIndex } from './path-index.ts';

/** A subtree as the root FDT records it. */
export interface SubtreeEntry {
  readonly name: string;
  readonly phys: bigint;
  /** Bytes. */
  readonly size: bigint;
  /** The part of the spec that it is made of. */
  readonly specPath?: SpecPath | undefined;
}

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

export interface ProducerOptions {
  target: Target;
  ram: readonly Region[];
  /** RAM of each NUMA node. */
  nodes: readonly (readonly Region[])[];
  scratch: readonly Region[];
  checker: Checker;
  overrides: Overrides;
  /** Addresses asked for, by the path of the structure. */
  place: ReadonlyMap<string, Place>;
  /** Paths that have a place of their own, also while their sizes are found out and `place` is empty. */
  splits: ReadonlySet<string>;
  /** Sizes of the structures in `place`, known from an earlier pass, so that nothing else is put there. */
  placeSizes: ReadonlyMap<string, bigint>;
  /** Memory that has its place, start, end, … ascending, by the path of what is there: nothing else is put there. */
  taken: ReadonlyMap<string, BigUint64Array>;
  /** Paths whose memory is left out of the preserved memory map. */
  unpreserve: ReadonlySet<string>;
  /** Folder that relative file names in the spec start from. */
  baseDir: string;
  /** Whether only the sizes of structures are wanted, not what they hold. */
  measuring: boolean;
  /** How much of the contents was read that have to be known before the image can be written. */
  onProgress?: ((progress: ByteProgress) => void) | undefined;
}

const MAX_ROW_SIZE = 256n << 20n;

/** Automatic placement starts above what firmware and a booting kernel use of low memory. */
const LOWEST = 2n << 20n;

/**
 * The producing kernel's side of a handover: allocates memory outside scratch, preserves it, and writes
 * structures into it. Everything it hands out starts as zeroes, so nothing stale is handed over.
 */
export class Producer {
  readonly target: Target;
  readonly memory = new PhysicalMemory();
  readonly preserved = new PreservedList();
  readonly placements: Placement[] = [];
  readonly subtrees: SubtreeEntry[] = [];
  readonly checker: Checker;
  readonly overrides: Overrides;
  readonly #options: ProducerOptions;
  readonly #allocator: Allocator;
  /** Where another node begins, ascending. */
  readonly #nodeStarts: readonly bigint[];
  readonly #splits: PathIndex;
  readonly #unpreserve: PathIndex;
  readonly #placed = new Set<string>();
  readonly #unpreserved = new Set<string>();

  constructor(options: ProducerOptions) {
    this.target = options.target;
    this.checker = options.checker;
    this.overrides = options.overrides;
    this.#options = options;
    this.#splits = new PathIndex(options.splits);
    this.#unpreserve = new PathIndex(options.unpreserve);
    this.#allocator = new Allocator(options.ram);
    this.#nodeStarts = options.nodes.flatMap(([first]) => first?.start ?? []);
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

  get baseDir(): string {
    return this.#options.baseDir;
  }

  get measuring(): boolean {
    return this.#options.measuring;
  }

  get onProgress(): ((progress: ByteProgress) => void) | undefined {
    return this.#options.onProgress;
  }

  /** Bytes of all RAM. */
  get ramBytes(): bigint {
    return this.#options.ram.reduce((sum, { size }) => sum + size, 0n);
  }

  get pageSize(): bigint {
    return BigInt(this.target.pageSize);
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
  allocate(path: string, size: bigint, alignment: bigint = this.pageSize): bigint {
    const bytes = alignUp(size, this.pageSize);
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

  /** A folio: aligned to its order, and preserved at that order (kho_alloc_preserve, kho_preserve_folio). */
  allocateFolio(path: string, order: number): bigint {
    const size = this.pageSize << BigInt(order);
    const start = this.allocate(path, size, size);
    this.preserveFolio(path, start, order);
    return start;
  }

  /** The smallest preserved folio that holds `size` bytes. */
  allocateFolioFor(path: string, size: bigint): bigint {
    return this.allocateFolio(path, getOrder(size, this.target));
  }

  /** Preserves one folio, as kho_preserve_folio() does. */
  preserveFolio(path: string, phys: bigint, order: number): void {
    if (this.#isUnpreserved(path)) return;
    this.#checkFolio(path, phys, order);
    this.preserved.addFolios(phys, order);
  }

  /** Preserves `count` folios side by side; the path of one is `<path>[first + i]`. */
  preserveFolios(path: string, phys: bigint, order: number, count: number, first = 0): void {
    if (this.#isUnpreserved(path)) return;
    this.#checkFolio(path, phys, order);
    const size = this.pageSize << BigInt(order);
    if (!this.#unpreserve.hasUnder(`${path}[`)) {
      this.preserved.addFolios(phys, order, count);
      return;
    }
    for (let i = 0; i < count; i++) {
      if (!this.#isUnpreserved(`${path}[${first + i}]`)) {
        this.preserved.addFolios(phys + BigInt(i) * size, order);
      }
    }
  }

  /**
   * Preserves folios where the spec has them.
   * @throws KhoforgeError `RANGES_UNALIGNED`
   */
  preserveRanges(path: string, order: number): void {
    const ranges = this.#options.taken.get(path) ?? new BigUint64Array();
    const folio = this.pageSize << BigInt(order);
    for (const { start, end } of pairs(ranges)) {
      if (start % folio === 0n && end % folio === 0n) continue;
      const message = `${path}: ${hex(start)}-${hex(end)} is not made of folios of order ${order}`;
      throw new KhoforgeError('RANGES_UNALIGNED', message, {
        where: { spec: path },
        hint: 'list whole folios',
      });
    }
    if (!this.measuring) this.#checkRanges(path, ranges);
    if (this.#isUnpreserved(path)) return;
    this.#checkFolio(path, 0n, order);
    for (const { start, end } of pairs(ranges)) {
      this.preserved.addFolios(start, order, Number((end - start) / folio));
    }
  }

  /** Preserves a range of pages, split into blocks as kho_preserve_pages() does: from 7.1 on, none is on two nodes. */
  preservePages(path: string, phys: bigint, size: bigint): void {
    if (this.#isUnpreserved(path)) return;
    const { generation, pageShift } = this.target;
    const end = phys + alignUp(size, this.pageSize);
    const borders = generation.blocksWithinNode ? this.#nodeStarts.filter((at) => at > phys && at < end) : [];
    const ends = [...borders, end];
    const shift = BigInt(pageShift);
    ends.forEach((until, i) => {
      this.preserved.addRange((ends[i - 1] ?? phys) >> shift, until >> shift);
    });
  }

  /** Writes a structure, with its overrides, at `phys`. */
  writeStruct<N extends StructName>(path: string, name: N, phys: bigint, values: Struct<N>): void {
    const codec = this.target.abi.struct(name);
    const final = this.overrides.struct(path, codec, values);
    this.memory.write(phys, codec.encode(final));
  }

  sizeOf(name: StructName): bigint {
    return BigInt(this.target.abi.struct(name).size);
  }

  /** Records a subtree for the root FDT, as kho_add_subtree() does. */
  addSubtree(entry: SubtreeEntry): void {
    this.subtrees.push({ ...entry, specPath: this.checker.specPath });
  }

  /** @throws KhoforgeError `PLACE_UNKNOWN` for a path in `place` or `unpreserve` that nothing used */
  finish(): void {
    const { place, unpreserve } = this.#options;
    const paths = this.placements.map(({ path }) => path);
    for (const [what, wanted, used] of [
      ['place', place.keys(), this.#placed],
      ['unpreserve', unpreserve.values(), this.#unpreserved],
    ] as const) {
      const unknown = [...wanted].find((path) => !used.has(path));
      if (unknown === undefined) continue;
      throw unknownPath(what, unknown, paths, place.get(unknown)?.specPath ?? [what]);
    }
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
    this.checker.within(specPath, () => this.#checkPlace(path, start, size));
    this.#allocator.take(start, size, path);
    return start;
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
      { hint: `RAM is ${ram}: give the spec more ram, or smaller scratch` },
    );
  }

  #checkPlace(path: string, start: bigint, size: bigint): void {
    const range = () => `${path} at ${hex(start)}-${hex(start + size)}`;
    const broken = (check: Check, text: string) => this.checker.broken(check, `${range()} ${text}`);
    const scratch = this.#options.scratch.findIndex((region) =>
      overlaps(start, start + size, region.start, regionEnd(region)),
    );
    if (scratch >= 0) broken('scratch-overlap', `is in scratch[${scratch}]`);
    if (!this.#allocator.inRam(start, size)) broken('outside-ram', 'is not in RAM');
    const { lowestPreserved } = ARCHITECTURES[this.target.arch];
    if (start < lowestPreserved) broken('first-megabyte', `is below ${humanSize(lowestPreserved)}`);
    const other =
      this.#allocator
        .conflicts(start, size)
        .find((taken) => taken.path !== path && !/^scratch\[\d+\]$/.test(taken.path)) ??
      this.#takenIn(start, start + size, path);
    if (other) broken('placement-overlap', `overlaps ${other.path} at ${hex(other.start)}-${hex(other.end)}`);
  }

  /** As #checkPlace() for each, but that no more than the first of a kind is reported. */
  #checkRanges(path: string, ranges: BigUint64Array): void {
    const broken = (check: Check, { start, end }: Interval, text: string) =>
      this.checker.broken(check, `${path} at ${hex(start)}-${hex(end)} ${text}`);
    this.#options.scratch.forEach((region, i) => {
      const hit = pairIn(ranges, region.start, regionEnd(region));
      if (hit) broken('scratch-overlap', hit, `is in scratch[${i}]`);
    });
    const { lowestPreserved } = ARCHITECTURES[this.target.arch];
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

  /** @throws KhoforgeError `PLACE_UNALIGNED` for a folio that no memory map can tell */
  #checkFolio(path: string, phys: bigint, order: number): void {
    const size = this.pageSize << BigInt(order);
    if (!isAligned(phys, size)) {
      throw new KhoforgeError(
        'PLACE_UNALIGNED',
        `${hex(phys)} is not aligned to ${humanSize(size)}, the size of the folio ${path}`,
        {
          specPath: this.#options.place.get(path)?.specPath,
          hint: `the next one that is: ${hex(alignUp(phys, size))}`,
        },
      );
    }
    const limit = maxPageOrder(this.target);
    if (order > limit)
      this.checker.broken('folio-order', `${path} has order ${order}, the limit is ${limit}`);
  }

  #isUnpreserved(path: string): boolean {
    if (!this.#options.unpreserve.has(path)) return false;
    this.#unpreserved.add(path);
    return true;
  }
}

export function unknownPath(
  what: string,
  path: string,
  known: readonly string[],
  specPath: SpecPath = [what],
): KhoforgeError {
  const { hint } = didYouMean(path, known);
  return new KhoforgeError('PATH_UNKNOWN', `${what}: nothing is emitted at '${path}'`, {
    specPath,
    hint: hint ?? 'khoforge build --paths lists the paths of this spec',
  });
}
