import { chainBitmapBytes } from '../abi/chain.ts';
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

/** What a chain depends on. A big-endian target is refused. */
export type ChainTarget = Pick<Target, 'generation' | 'abi' | 'pageShift'> & Partial<Pick<Target, 'endian'>>;

/** A built chain. The caller owns the arrays and may keep them; they share no memory with the entries. */
export interface BitmapChainPages {
  /** The chunks, one page each, in the order of the chain; none when nothing is preserved. */
  readonly chunks: Uint8Array;
  /** The bitmaps back to back, in the order of the chunks' elements. */
  readonly bitmaps: Uint8Array;
  /** Bytes of one bitmap. */
  readonly bitmapBytes: number;
  /**
   * Sets the pointers, which are 0 before. May be called again with other addresses.
   * @param chunks page-aligned physical address of the first chunk; the others follow it
   * @param bitmaps physical address of the first bitmap, a multiple of a bitmap's size; the others follow it
   * @throws KhoforgeError `MAP_BASE`
   */
  relocate(chunks: bigint, bitmaps: bigint): void;
}

/**
 * Builds the preserved memory map of kho-v1 as kho_mem_serialize() does (kernel/kexec_handover.c, 6.17 and 6.18).
 * The bytes depend on the set of entries only, not on their order.
 * @throws KhoforgeError `MAP_RANGE_*`, `MAP_FOLIO_*` or `MAP_PAGE_*` naming the entry, `MAP_ENTRIES` for
 *   lists of unequal length, `MAP_TOO_LARGE`, `NOT_BITMAP_CHAIN`, `MAP_BIG_ENDIAN`
 */
export function buildBitmapChain(
  target: ChainTarget,
  entries: PreservedEntries,
  options: MapBuildOptions = {},
): BitmapChainPages {
  requireLittleEndian(target);
  const { pageShift } = target;
  const bitmapBytes = chainBitmapBytes(target);
  const lists = entryArguments(entries);
  try {
    const built = native().buildBitmapChain(pageShift, bitmapBytes, ...lists, maxPages(options, pageShift));
    return {
      ...built,
      bitmapBytes,
      relocate: (chunks, bitmaps) => link(pageShift, bitmapBytes, built, chunks, bitmaps),
    };
  } catch (error) {
    throw entryRefused(error, entries, pageShift);
  }
}

/**
 * Reads a preserved memory map of kho-v1 out of memory that may hold anything. What is wrong becomes findings.
 * @param target its generation says how long a bitmap is; the memory cannot
 * @param memory sorted, not overlapping; addresses outside are unmapped. The bytes are read in place.
 * @param first physical address of the first chunk
 * @throws KhoforgeError `MAP_VIEW_UNSORTED`, `MAP_ADDRESS`, `NOT_BITMAP_CHAIN`, `MAP_BIG_ENDIAN`
 */
export function walkBitmapChain(
  target: ChainTarget,
  memory: readonly MapExtent[],
  first: bigint,
  options: MapWalkOptions = {},
): MapWalk {
  requireLittleEndian(target);
  const { pageShift } = target;
  const bitmapBytes = chainBitmapBytes(target);
  return walkMap(pageShift, memory, first, options, (...args) =>
    native().walkBitmapChain(pageShift, bitmapBytes, ...args),
  );
}

type Arrays = Pick<BitmapChainPages, 'chunks' | 'bitmaps'>;

function link(pageShift: number, bitmapBytes: number, arrays: Arrays, chunks: bigint, bitmaps: bigint): void {
  checkBase('chunks', arrays.chunks, 2 ** pageShift, chunks);
  checkBase('bitmaps', arrays.bitmaps, bitmapBytes, bitmaps);
  native().linkBitmapChain(pageShift, bitmapBytes, arrays.chunks, chunks, bitmaps);
}

function checkBase(what: string, { length }: Uint8Array, alignment: number, base: bigint): void {
  const fits = base >= 0n && base + BigInt(length) <= 1n << 64n;
  if (fits && isAligned(base, BigInt(alignment))) return;
  throw new KhoforgeError('MAP_BASE', `the ${what}, ${length} bytes, cannot stand at ${hex(base)}`, {
    hint: `the base is a multiple of ${alignment}, and the ${what} end below 2^64`,
  });
}
