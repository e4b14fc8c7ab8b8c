import { maxPageOrder } from '../abi/page-order.ts';
import type { Target } from '../abi/target.ts';
import { KhoforgeError } from '../base/errors.ts';
import { alignUp, hex, humanSize, isAligned } from '../base/numbers.ts';
import { pairs } from '../memory/intervals.ts';
import { PreservedList } from '../memory/preserved-list.ts';
import type { Region } from '../memory/regions.ts';
import type { Checker } from './checks.ts';
import { PathIndex } from './path-index.ts';
import type { Place } from './placer.ts';

export interface PreserverOptions {
  readonly target: Target;
  /** RAM of each NUMA node. */
  readonly nodes: readonly (readonly Region[])[];
  readonly checker: Checker;
  /** Addresses asked for, by the path of the structure. */
  readonly place: ReadonlyMap<string, Place>;
  /** Paths whose memory is left out of the preserved memory map. */
  readonly unpreserve: ReadonlySet<string>;
}

/** What a producer preserves. */
export class Preserver {
  readonly list = new PreservedList();
  readonly #options: PreserverOptions;
  readonly #pageSize: bigint;
  /** Where another node begins, ascending. */
  readonly #nodeStarts: readonly bigint[];
  readonly #unpreserve: PathIndex;
  readonly #unpreserved = new Set<string>();

  constructor(options: PreserverOptions) {
    this.#options = options;
    this.#pageSize = BigInt(options.target.pageSize);
    this.#nodeStarts = options.nodes.flatMap(([first]) => first?.start ?? []);
    this.#unpreserve = new PathIndex(options.unpreserve);
  }

  /** Preserves one folio, as kho_preserve_folio() does. */
  folio(path: string, phys: bigint, order: number): void {
    if (this.#isUnpreserved(path)) return;
    this.#checkFolio(path, phys, order);
    this.list.addFolios(phys, order);
  }

  /** Preserves `count` folios side by side; the path of one is `<path>[first + i]`. */
  folios(path: string, phys: bigint, order: number, count: number, first = 0): void {
    if (this.#isUnpreserved(path)) return;
    this.#checkFolio(path, phys, order);
    const size = this.#pageSize << BigInt(order);
    if (!this.#unpreserve.hasUnder(`${path}[`)) {
      this.list.addFolios(phys, order, count);
      return;
    }
    for (let i = 0; i < count; i++) {
      if (!this.#isUnpreserved(`${path}[${first + i}]`)) {
        this.list.addFolios(phys + BigInt(i) * size, order);
      }
    }
  }

  /**
   * Preserves folios where the spec has them.
   * @throws KhoforgeError `RANGES_UNALIGNED`
   */
  ranges(path: string, ranges: BigUint64Array, order: number): void {
    const folio = this.#pageSize << BigInt(order);
    for (const { start, end } of pairs(ranges)) {
      if (start % folio === 0n && end % folio === 0n) continue;
      const message = `${path}: ${hex(start)}-${hex(end)} is not made of folios of order ${order}`;
      throw new KhoforgeError('RANGES_UNALIGNED', message, { hint: wholeFolios(folio / this.#pageSize) });
    }
    if (this.#isUnpreserved(path)) return;
    this.#checkFolio(path, 0n, order);
    for (const { start, end } of pairs(ranges)) {
      this.list.addFolios(start, order, Number((end - start) / folio));
    }
  }

  /** Preserves a range of pages, split into blocks as kho_preserve_pages() does: from 7.1 on, none is on two nodes. */
  pages(path: string, phys: bigint, size: bigint): void {
    if (this.#isUnpreserved(path)) return;
    const { generation, pageShift } = this.#options.target;
    const end = phys + alignUp(size, this.#pageSize);
    const borders = generation.blocksWithinNode ? this.#nodeStarts.filter((at) => at > phys && at < end) : [];
    const ends = [...borders, end];
    const shift = BigInt(pageShift);
    ends.forEach((until, i) => {
      this.list.addRange((ends[i - 1] ?? phys) >> shift, until >> shift);
    });
  }

  /** A path in `unpreserve` at which nothing was to be preserved. */
  get unused(): string | undefined {
    return [...this.#options.unpreserve].find((path) => !this.#unpreserved.has(path));
  }

  /** @throws KhoforgeError `PLACE_UNALIGNED` for a folio that no memory map can tell */
  #checkFolio(path: string, phys: bigint, order: number): void {
    const size = this.#pageSize << BigInt(order);
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
    const limit = maxPageOrder(this.#options.target);
    if (order > limit)
      this.#options.checker.broken('folio-order', `${path} has order ${order}, the limit is ${limit}`);
  }

  #isUnpreserved(path: string): boolean {
    if (!this.#options.unpreserve.has(path)) return false;
    this.#unpreserved.add(path);
    return true;
  }
}

const wholeFolios = (pages: bigint) =>
  `list whole folios: from a multiple of ${hex(pages)} to before another, or choose a lower order`;
