import type { Target } from '../abi/target.ts';
import { KhoforgeError } from '../base/errors.ts';
import { hex } from '../base/numbers.ts';
import { native } from './native.ts';

/** What is to be preserved. Duplicates are set once, as a bit is. The arrays are only read. */
export interface PreservedEntries {
  /** start pfn, end pfn, …: split into blocks as kho_preserve_pages() does (4.2.2 of docs/kho-facts.md). Not from pfn 0. */
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

export interface MapBuildOptions {
  /** Largest size of the map in bytes; default 1 GiB, enough for 32 TiB of single 4 KiB pages. */
  maxBytes?: number;
}

/** The entries as the addon takes them: ranges, folios by address, orders and counts, pages. */
export type EntryArguments = [BigUint64Array, BigUint64Array, Uint8Array, BigUint64Array, BigUint64Array];

const NONE = new BigUint64Array();
const LIMIT = 1n << 64n;

/** @throws KhoforgeError `MAP_ENTRIES` for lists of unequal length */
export function entryArguments(entries: PreservedEntries): EntryArguments {
  const { ranges = NONE, folios = { phys: NONE, orders: new Uint8Array() }, pages = NONE } = entries;
  const { phys, orders, counts = NONE } = folios;
  const sameLength = phys.length === orders.length && (folios.counts ?? phys).length === phys.length;
  if (ranges.length % 2 === 0 && sameLength) return [ranges, phys, orders, counts, pages];
  const lengths = `${ranges.length} range ends, ${phys.length} folios, ${orders.length} orders`;
  throw new KhoforgeError('MAP_ENTRIES', `lists of preserved entries do not match: ${lengths}`);
}

/**
 * The addon reads and writes little-endian words.
 * @throws KhoforgeError `MAP_BIG_ENDIAN`
 */
export function requireLittleEndian({ endian }: Partial<Pick<Target, 'endian'>>): void {
  if (endian !== 'big') return;
  throw new KhoforgeError(
    'MAP_BIG_ENDIAN',
    'the preserved memory map of a big-endian target is not supported',
    { hint: 'use endian: little' },
  );
}

/** The addon counts a map's size in pages. */
export function maxPages({ maxBytes = 2 ** 30 }: MapBuildOptions, pageShift: number): number {
  return Math.floor(maxBytes / 2 ** pageShift);
}

/**
 * Splits the page frames [start, end) into blocks as the kernel does: the order is the smaller of the trailing
 * zeros of the pfn and the log2 of what remains (__kho_preserve_pages_order, kernel/liveupdate/kexec_handover.c,
 * 7.3; kho_preserve_phys, kernel/kexec_handover.c, 6.17).
 * @throws KhoforgeError `MAP_RANGE_*`
 */
export function splitRange(
  pageShift: number,
  start: bigint,
  end: bigint,
): { pfns: BigUint64Array; orders: Uint8Array } {
  const first = mapAddress(start, 'first pfn');
  const last = mapAddress(end, 'end pfn');
  try {
    return native().splitRange(pageShift, first, last);
  } catch (error) {
    throw entryRefused(error, { ranges: BigUint64Array.of(first, last) }, pageShift);
  }
}

/**
 * Checked here because BigUint64Array drops the bits above 64 without a word.
 * @throws KhoforgeError `MAP_ADDRESS`
 */
export function mapAddress(value: bigint, what: string): bigint {
  if (value >= 0n && value < LIMIT) return value;
  throw new KhoforgeError('MAP_ADDRESS', `the ${what} is ${hex(value)}, outside 64 bits`);
}

/** What each refusal of the addon (binding/core/error.h) means. */
const REASONS: Readonly<Record<string, string>> = {
  MAP_RANGE_EMPTY: 'is empty',
  MAP_RANGE_BACKWARD: 'ends before it starts',
  MAP_RANGE_PFN_ZERO: 'starts at pfn 0, for which kernels disagree on the order of the first block',
  MAP_RANGE_BEYOND: 'ends at 2^64 or above',
  MAP_FOLIO_ORDER: 'has an order that no address has',
  MAP_FOLIO_MISALIGNED: 'is not aligned to its size',
  MAP_FOLIO_EMPTY: 'has a count of 0',
  MAP_FOLIO_BEYOND: 'ends at 2^64 or above',
  MAP_PAGE_BEYOND: 'ends at 2^64 or above',
  MAP_TOO_LARGE: 'is above the limit: raise maxBytes, or preserve larger folios',
  MAP_NO_MEMORY: 'could not be allocated',
  MAP_ENTRIES_CHANGED: 'changed during the build',
  MAP_VIEW_UNSORTED: 'overlaps or precedes the extent before it, or ends above 2^64',
};

interface Named {
  path: string;
  value: string;
}

/** An addon error as a KhoforgeError that names what was refused; any other error as it is. */
export function refused(error: unknown, describe: (code: string, index: number) => Named): unknown {
  if (!(error instanceof Error && 'code' in error && 'index' in error)) return error;
  const { code, index } = error;
  if (typeof code !== 'string' || typeof index !== 'number') return error;
  const { path, value } = describe(code, index);
  return new KhoforgeError(code, `${path}, ${value}, ${REASONS[code] ?? 'was refused'}`, { where: { path } });
}

/** `refused` for a build: names the entry. */
export function entryRefused(error: unknown, entries: PreservedEntries, pageShift: number): unknown {
  return refused(error, (code, index) => describeEntry(code, index, entries, pageShift));
}

function describeEntry(code: string, index: number, entries: PreservedEntries, pageShift: number): Named {
  if (code.startsWith('MAP_RANGE_')) {
    const [start, end] = entries.ranges?.subarray(2 * index, 2 * index + 2) ?? [];
    return { path: `ranges[${index}]`, value: `pfn ${hex(start ?? 0n)} to ${hex(end ?? 0n)}` };
  }
  if (code.startsWith('MAP_FOLIO_')) {
    const { phys, orders, counts } = entries.folios ?? {};
    const count = counts ? `${counts[index]} of ` : '';
    return {
      path: `folios[${index}]`,
      value: `${count}order ${orders?.[index]} at ${hex(phys?.[index] ?? 0n)}`,
    };
  }
  if (code.startsWith('MAP_PAGE_')) {
    return { path: `pages[${index}]`, value: `pfn ${hex(entries.pages?.[index] ?? 0n)}` };
  }
  return { path: 'preserved memory map', value: `${index} pages of ${2 ** pageShift} bytes` };
}
