import { type RadixGeometry, radixGeometry } from '../abi/radix.ts';
import type { Target } from '../abi/target.ts';
import { KhoforgeError } from '../errors.ts';
import { type NativeWalk, native, type RadixFinding } from '../native.ts';
import { hex, isAligned } from '../numbers.ts';

export type { RadixFinding, RadixFindingCode } from '../native.ts';

/** What a tree depends on. A big-endian target is refused: the addon reads and writes little-endian words. */
export type RadixTarget = Pick<Target, 'generation' | 'pageShift'> & Partial<Pick<Target, 'endian'>>;

/** What is to be preserved. Duplicates are set once, as a bit is. The arrays are only read. */
export interface PreservedEntries {
  /** start pfn, end pfn, …: split into blocks as kho_preserve_pages() does (4.2.2 of the facts). Not from pfn 0. */
  readonly ranges?: BigUint64Array;
  /** Folios by physical address and order; `counts` says how many stand in a row from each address, else one. */
  readonly folios?: {
    readonly phys: BigUint64Array;
    readonly orders: Uint8Array;
    readonly counts?: BigUint64Array;
  };
  /** Page frame numbers, each a block of order 0. */
  readonly pages?: BigUint64Array;
}

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
   * @throws KhoforgeError `RADIX_BASE`
   */
  relocate(base: bigint): void;
}

export interface RadixBuildOptions {
  /** Largest size of `pages` in bytes; default 1 GiB, enough for 32 TiB of single 4 KiB pages. */
  maxBytes?: number;
}

/** Bytes that are known to stand at a physical address. */
export interface RadixExtent {
  readonly start: bigint;
  readonly bytes: Uint8Array;
}

export interface RadixWalkOptions {
  /** Runs of blocks to keep, 16 bytes each; default 2^24. What is beyond sets `rangesTruncated`. */
  maxRanges?: number;
  /** Findings to keep; default 256. `findingCount` counts all. */
  maxFindings?: number;
  /** Blocks to list one by one in `folios`; default 0. */
  maxFolios?: number;
  /** Blocks of a higher order are findings; default 64 - page shift, the highest that a key can say. */
  maxOrder?: number;
}

/** What a preserved memory map says, and what is wrong with it. */
export interface RadixWalk {
  /** start, end, … in bytes; ascending, merged across orders. A block that ends at 2^64 is left out. */
  readonly ranges: BigUint64Array;
  /** Bytes in all ranges together: a page that is preserved twice counts once. */
  readonly bytes: bigint;
  /** Blocks per order, index 0 to 52. */
  readonly byOrder: BigUint64Array;
  /** Table pages entered, the root included. */
  readonly nodes: number;
  /** Bitmap pages entered. */
  readonly leaves: number;
  /** Set bits whose key says no order; they are in no range. */
  readonly undecodable: number;
  readonly findings: readonly RadixFinding[];
  readonly findingCount: number;
  /** Blocks ascending by address, then by order, up to `maxFolios`. */
  readonly folios: { readonly phys: BigUint64Array; readonly orders: Uint8Array };
  readonly rangesTruncated: boolean;
  readonly foliosTruncated: boolean;
}

/**
 * Builds the preserved memory map. The bytes depend on the set of entries only, not on their order.
 * @throws KhoforgeError `RADIX_RANGE_*`, `RADIX_FOLIO_*` or `RADIX_PAGE_*` naming the entry, `RADIX_ENTRIES` for
 *   lists of unequal length, `RADIX_TREE_TOO_LARGE`, `NOT_RADIX`, `RADIX_BIG_ENDIAN`
 */
export function buildRadixTree(
  target: RadixTarget,
  entries: PreservedEntries,
  options: RadixBuildOptions = {},
): RadixTreePages {
  const geometry = geometryOf(target);
  const { pageShift, depth } = geometry;
  const { ranges = NONE, folios = { phys: NONE, orders: new Uint8Array() }, pages = NONE } = entries;
  const { phys, orders, counts = NONE } = folios;
  if (
    ranges.length % 2 !== 0 ||
    phys.length !== orders.length ||
    (folios.counts ?? phys).length !== phys.length
  ) {
    const lengths = `${ranges.length} range ends, ${phys.length} folios, ${orders.length} orders`;
    throw new KhoforgeError('RADIX_ENTRIES', `lists of preserved entries do not match: ${lengths}`);
  }
  const maxPages = Math.floor((options.maxBytes ?? 2 ** 30) / 2 ** pageShift);
  try {
    const built = native().buildRadixTree(pageShift, depth, ranges, phys, orders, counts, pages, maxPages);
    return new BuiltTree(geometry, built.pages, built.levels);
  } catch (error) {
    throw refused(error, (code, index) => describeEntry(code, index, entries, pageShift));
  }
}

/**
 * Reads a preserved memory map out of memory that may hold anything. What is wrong becomes findings.
 * @param memory sorted, not overlapping; addresses outside are unmapped. The bytes are read in place.
 * @param root physical address of the map
 * @throws KhoforgeError `RADIX_VIEW_UNSORTED`, `RADIX_ADDRESS`, `NOT_RADIX`, `RADIX_BIG_ENDIAN`
 */
export function walkRadixTree(
  target: RadixTarget,
  memory: readonly RadixExtent[],
  root: bigint,
  options: RadixWalkOptions = {},
): RadixWalk {
  const { pageShift, depth } = geometryOf(target);
  const { maxRanges = 2 ** 24, maxFindings = 256, maxFolios = 0, maxOrder = 64 - pageShift } = options;
  const starts = new BigUint64Array(memory.length);
  for (const [i, { start }] of memory.entries()) starts[i] = address(start, `start of extent ${i}`);
  const bytes = memory.map((extent) => extent.bytes);
  const at = address(root, 'root of the preserved memory map');
  try {
    return toWalk(
      native().walkRadixTree(
        pageShift,
        depth,
        starts,
        bytes,
        at,
        maxRanges,
        maxFindings,
        maxFolios,
        maxOrder,
      ),
    );
  } catch (error) {
    throw refused(error, (_code, index) => describeExtent(index, memory));
  }
}

/**
 * Splits the page frames [start, end) into blocks as the kernel does: the order is the smaller of the trailing
 * zeros of the pfn and the log2 of what remains (__kho_preserve_pages_order, kernel/liveupdate/kexec_handover.c,
 * 7.3; kho_preserve_phys, kernel/kexec_handover.c, 6.17).
 * @throws KhoforgeError `RADIX_RANGE_*`
 */
export function splitRange(
  pageShift: number,
  start: bigint,
  end: bigint,
): { pfns: BigUint64Array; orders: Uint8Array } {
  const first = address(start, 'first pfn');
  const last = address(end, 'end pfn');
  try {
    return native().splitRange(pageShift, first, last);
  } catch (error) {
    const ranges = BigUint64Array.of(first, last);
    throw refused(error, (code) => describeEntry(code, 0, { ranges }, pageShift));
  }
}

const NONE = new BigUint64Array();
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
      throw new KhoforgeError('RADIX_BASE', `the tree, ${size}, cannot stand at ${hex(base)}`, {
        hint: 'the base is a multiple of the page size, and the tree ends below 2^64',
      });
    }
    native().relocateRadixTree(pageShift, depth, this.pages, this.levels, this.#base, base);
    this.#base = base;
  }
}

function toWalk({ tables, folioPhys, folioOrders, ...walk }: NativeWalk): RadixWalk {
  return { ...walk, nodes: tables, folios: { phys: folioPhys, orders: folioOrders } };
}

function geometryOf(target: RadixTarget): RadixGeometry {
  if (target.endian === 'big') {
    throw new KhoforgeError(
      'RADIX_BIG_ENDIAN',
      'the preserved memory map of a big-endian target is not supported',
      {
        hint: 'use endian: little',
      },
    );
  }
  return radixGeometry(target);
}

/** Checked here because BigUint64Array drops the bits above 64 without a word. */
function address(value: bigint, what: string): bigint {
  if (value >= 0n && value < LIMIT) return value;
  throw new KhoforgeError('RADIX_ADDRESS', `the ${what} is ${hex(value)}, outside 64 bits`);
}

/** What each refusal of the addon (binding/core/error.h) means. */
const REASONS: Readonly<Record<string, string>> = {
  RADIX_RANGE_EMPTY: 'is empty',
  RADIX_RANGE_BACKWARD: 'ends before it starts',
  RADIX_RANGE_PFN_ZERO: 'starts at pfn 0, for which kernels disagree on the order of the first block',
  RADIX_RANGE_BEYOND: 'ends at 2^64 or above',
  RADIX_FOLIO_ORDER: 'has an order that no key can say',
  RADIX_FOLIO_MISALIGNED: 'is not aligned to its size',
  RADIX_FOLIO_EMPTY: 'has a count of 0',
  RADIX_FOLIO_BEYOND: 'ends at 2^64 or above',
  RADIX_PAGE_BEYOND: 'ends at 2^64 or above',
  RADIX_TREE_TOO_LARGE: 'is above the limit: raise maxBytes, or preserve larger folios',
  RADIX_NO_MEMORY: 'could not be allocated',
  RADIX_ENTRIES_CHANGED: 'changed during the build',
  RADIX_VIEW_UNSORTED: 'overlaps or precedes the extent before it, or ends above 2^64',
};

interface Named {
  path: string;
  value: string;
}

/** An addon error as a KhoforgeError that names the entry; any other error as it is. */
function refused(error: unknown, describe: (code: string, index: number) => Named): unknown {
  if (!(error instanceof Error && 'code' in error && 'index' in error)) return error;
  const { code, index } = error;
  if (typeof code !== 'string' || typeof index !== 'number') return error;
  const { path, value } = describe(code, index);
  return new KhoforgeError(code, `${path}, ${value}, ${REASONS[code] ?? 'was refused'}`, { where: { path } });
}

function describeEntry(code: string, index: number, entries: PreservedEntries, pageShift: number): Named {
  if (code.startsWith('RADIX_RANGE_')) {
    const [start, end] = entries.ranges?.subarray(2 * index, 2 * index + 2) ?? [];
    return { path: `ranges[${index}]`, value: `pfn ${hex(start ?? 0n)} to ${hex(end ?? 0n)}` };
  }
  if (code.startsWith('RADIX_FOLIO_')) {
    const { phys, orders, counts } = entries.folios ?? {};
    const count = counts ? `${counts[index]} of ` : '';
    return {
      path: `folios[${index}]`,
      value: `${count}order ${orders?.[index]} at ${hex(phys?.[index] ?? 0n)}`,
    };
  }
  if (code.startsWith('RADIX_PAGE_')) {
    return { path: `pages[${index}]`, value: `pfn ${hex(entries.pages?.[index] ?? 0n)}` };
  }
  return { path: 'preserved memory map', value: `${index} pages of ${2 ** pageShift} bytes` };
}

function describeExtent(index: number, memory: readonly RadixExtent[]): Named {
  const { start, bytes } = memory[index] ?? { start: 0n, bytes: new Uint8Array() };
  return { path: `extent ${index}`, value: `${bytes.length} bytes at ${hex(start)}` };
}
