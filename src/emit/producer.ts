import type { Struct, StructName } from '../abi/declared.ts';
import { getOrder } from '../abi/page-order.ts';
import type { Target } from '../abi/target.ts';
import { KhoforgeError } from '../base/errors.ts';
import type { ByteProgress } from '../base/progress.ts';
import type { SpecPath } from '../base/spec-path.ts';
import { didYouMean } from '../base/suggest.ts';
import { PhysicalMemory } from '../memory/physical-memory.ts';
import type { PreservedList } from '../memory/preserved-list.ts';
import type { Placement } from '../model/image.ts';
import type { Checker } from './checks.ts';
import type { Overrides } from './overrides.ts';
import { Placer, type PlacerOptions, type Row } from './placer.ts';
import { Preserver, type PreserverOptions } from './preserver.ts';

/** A subtree as the root FDT records it. */
export interface SubtreeEntry {
  readonly name: string;
  readonly phys: bigint;
  /** Bytes. */
  readonly size: bigint;
  /** The part of the spec that it is made of. */
  readonly specPath?: SpecPath | undefined;
}

export interface ProducerOptions extends PlacerOptions, PreserverOptions {
  readonly overrides: Overrides;
  /** Folder that relative file names in the spec start from. */
  readonly baseDir: string;
  /** How much of the contents was read that have to be known before the image can be written. */
  readonly onProgress?: ((progress: ByteProgress) => void) | undefined;
}

/**
 * The producing kernel's side of a handover: allocates memory outside scratch, preserves it, and writes
 * structures into it. Everything it hands out starts as zeroes, so nothing stale is handed over.
 */
export class Producer {
  readonly target: Target;
  readonly memory = new PhysicalMemory();
  readonly subtrees: SubtreeEntry[] = [];
  readonly checker: Checker;
  readonly overrides: Overrides;
  readonly #options: ProducerOptions;
  readonly #placer: Placer;
  readonly #preserver: Preserver;

  constructor(options: ProducerOptions) {
    this.target = options.target;
    this.checker = options.checker;
    this.overrides = options.overrides;
    this.#options = options;
    this.#placer = new Placer(options);
    this.#preserver = new Preserver(options);
  }

  get placements(): Placement[] {
    return this.#placer.placements;
  }

  get preserved(): PreservedList {
    return this.#preserver.list;
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
    return this.#placer.isPlaced(path);
  }

  /** Memory for a structure, as Placer.allocate(). @throws KhoforgeError `NO_ROOM` */
  allocate(path: string, size: bigint, alignment = this.pageSize): bigint {
    return this.#placer.allocate(path, size, alignment);
  }

  /** Memory for `count` blocks of `size` bytes, as Placer.allocateRows(). */
  allocateRows(path: string, first: number, count: number, size: bigint): Row[] {
    return this.#placer.allocateRows(path, first, count, size);
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
    this.#preserver.folio(path, phys, order);
  }

  /** Preserves `count` folios side by side; the path of one is `<path>[first + i]`. */
  preserveFolios(path: string, phys: bigint, order: number, count: number, first = 0): void {
    this.#preserver.folios(path, phys, order, count, first);
  }

  /** Preserves folios where the spec has them. @throws KhoforgeError `RANGES_UNALIGNED` */
  preserveRanges(path: string, order: number): void {
    const ranges = this.#options.taken.get(path) ?? new BigUint64Array();
    this.#placer.checkRanges(path, ranges);
    this.#preserver.ranges(path, ranges, order);
  }

  /** Preserves a range of pages, as kho_preserve_pages() does. */
  preservePages(path: string, phys: bigint, size: bigint): void {
    this.#preserver.pages(path, phys, size);
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

  /** @throws KhoforgeError `PATH_UNKNOWN` for a path in `place` or `unpreserve` that nothing used */
  finish(): void {
    const { place } = this.#options;
    const paths = this.placements.map(({ path }) => path);
    const { unused } = this.#placer;
    if (unused !== undefined) throw unknownPath('place', unused, paths, place.get(unused)?.specPath);
    const unknown = this.#preserver.unused;
    if (unknown !== undefined) throw unknownPath('unpreserve', unknown, paths);
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
