import { type RadixGeometry, radixGeometry } from '../abi/radix.ts';
import type { Target } from '../abi/target.ts';
import { KhoforgeError } from '../base/errors.ts';
import { hex, isAligned } from '../base/numbers.ts';
import { type MapExtent, type MapWalk, type MapWalkOptions, walkMap } from './map-walk.ts';
import { native } from './native.ts';
import {
  entryArguments,
  entryRefused,
  type MapBuildOptions,
  maxPages,
  type PreservedEntries,
  requireLittleEndian,
} from './preserved-entries.ts';

export { type PreservedEntries, splitRange } from './preserved-entries.ts';

/** What a tree depends on. A big-endian target is refused: the addon reads and writes little-endian words. */
export type RadixTarget = Pick<Target, 'generation' | 'abi' | 'pageShift'> & Partial<Pick<Target, 'endian'>>;

/** A built tree. The caller owns the arrays and may keep them; they share no memory with the entries. */
export interface RadixTreePages {
  /** Nodes and leaves, one page each, in pre-order; the root first. */
  readonly pages: Uint8Array;
  /** Level of each page: 0 is a leaf, depth - 1 the root. */
  readonly levels: Uint8Array;
  /**
   * Makes the table entries physical addresses, for pages that stand back to back from `base`. Before the first
   * call they are offsets in `pages`. May be called again with another base.
   * @param base page-aligned physical address of the root
   * @throws KhoforgeError `MAP_BASE`
   */
  relocate(base: bigint): void;
}

/** `MapWalk` of a tree. */
export interface RadixWalk extends MapWalk {
  /** Set bits whose key says no order; they are in no range. */
  readonly undecodable: number;
}

/**
 * Builds the preserved memory map. The bytes depend on the set of entries only, not on their order.
 * @throws KhoforgeError `MAP_RANGE_*`, `MAP_FOLIO_*` or `MAP_PAGE_*` naming the entry, `MAP_ENTRIES` for
 *   lists of unequal length, `MAP_TOO_LARGE`, `NOT_RADIX`, `MAP_BIG_ENDIAN`
 */
export function buildRadixTree(
  target: RadixTarget,
  entries: PreservedEntries,
  options: MapBuildOptions = {},
): RadixTreePages {
  const geometry = geometryOf(target);
  const { pageShift, depth } = geometry;
  const lists = entryArguments(entries);
  try {
    const built = native().buildRadixTree(pageShift, depth, ...lists, maxPages(options, pageShift));
    return new BuiltTree(geometry, built.pages, built.levels);
  } catch (error) {
    throw entryRefused(error, entries, pageShift);
  }
}

/**
 * Reads a preserved memory map out of memory that may hold anything. What is wrong becomes findings.
 * @param memory sorted, not overlapping; addresses outside are unmapped. The bytes are read in place.
 * @param root physical address of the map
 * @throws KhoforgeError `MAP_VIEW_UNSORTED`, `MAP_ADDRESS`, `NOT_RADIX`, `MAP_BIG_ENDIAN`
 */
export function walkRadixTree(
  target: RadixTarget,
  memory: readonly MapExtent[],
  root: bigint,
  options: MapWalkOptions = {},
): RadixWalk {
  const { pageShift, depth } = geometryOf(target);
  return walkMap(pageShift, memory, root, options, (...args) =>
    native().walkRadixTree(pageShift, depth, ...args),
  );
}

const LIMIT = 1n << 64n;

class BuiltTree implements RadixTreePages {
  readonly #geometry: RadixGeometry;
  #base = 0n;
  readonly pages: Uint8Array;
  readonly levels: Uint8Array;

  constructor(geometry: RadixGeometry, pages: Uint8Array, levels: Uint8Array) {
    this.#geometry = geometry;
    this.pages = pages;
    this.levels = levels;
  }

  relocate(base: bigint): void {
    const { pageShift, depth } = this.#geometry;
    const fits = base >= 0n && base + BigInt(this.pages.length) <= LIMIT;
    if (!fits || !isAligned(base, 1n << BigInt(pageShift))) {
      const size = `${this.pages.length} bytes of ${2 ** pageShift}-byte pages`;
      throw new KhoforgeError('MAP_BASE', `the tree, ${size}, cannot stand at ${hex(base)}`, {
        hint: 'the base is a multiple of the page size, and the tree ends below 2^64',
      });
    }
    native().relocateRadixTree(pageShift, depth, this.pages, this.levels, this.#base, base);
    this.#base = base;
  }
}

function geometryOf(target: RadixTarget): RadixGeometry {
  requireLittleEndian(target);
  return radixGeometry(target);
}
