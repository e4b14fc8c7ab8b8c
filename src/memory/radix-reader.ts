import { radixGeometry } from '../abi/radix.ts';
import { KhoforgeError } from '../base/errors.ts';
import { type MapExtent, memoryArguments, memoryRefused } from './map-walk.ts';
import { type MapFinding, type NativeReader, type NativeTree, native } from './native.ts';
import { requireLittleEndian } from './preserved-entries.ts';
import type { RadixTarget } from './radix-tree.ts';

export interface WindowOptions {
  /** Numbers that one step gives at most; at least 512, default 2^17. */
  window?: number;
}

/** Numbers of blocks: the page frame number divided by the pages of the block. */
export interface BlockNumbers {
  /** Upper half of all of them, in place: a multiple of 2^32. */
  readonly base: bigint;
  /** Lower halves, ascending. Without memory above 16 TiB, a page's is its page frame number. */
  readonly numbers: Uint32Array;
}

/** Enough that a step costs nothing beside what it gives, little enough to stay in a core's cache. */
const WINDOW = 2 ** 17;
/** Numbers of one array: 4 GiB of them, which every supported Node has. */
const MAX_ARRAY_LENGTH = 2 ** 30;

/**
 * A preserved memory map that is read in parts, so that a result larger than memory can be had. Its tables were read
 * when it was opened, and what is wrong with them is in `findings`; its leaves are read by each iteration anew.
 *
 * The memory stays the caller's and is read in place: it may change, but it must neither be moved nor resized
 * while it is read, which throws a RangeError.
 */
export class RadixReader {
  readonly #tree: NativeTree;
  readonly #bytes: readonly Uint8Array[];
  readonly #wholeOrder: number;

  constructor(tree: NativeTree, bytes: readonly Uint8Array[], wholeOrder: number) {
    this.#tree = tree;
    this.#bytes = bytes;
    this.#wholeOrder = wholeOrder;
  }

  /** Pages entered that link others, the root included. */
  get nodes(): number {
    return this.#tree.tables;
  }

  get leaves(): number {
    return this.#tree.leaves;
  }

  /** Orders that have leaves, ascending; no other order has blocks. */
  get orders(): readonly number[] {
    return [...this.#tree.orders];
  }

  /** Set bits whose key says no order. */
  get undecodable(): number {
    return this.#tree.undecodable;
  }

  /** What is wrong with nodes, and with keys that say no order; `walkRadixTree` also checks the blocks. */
  get findings(): readonly MapFinding[] {
    return this.#tree.findings;
  }

  get findingCount(): number {
    return this.#tree.findingCount;
  }

  /**
   * start, end, … in bytes; ascending, merged across orders. A block that ends at 2^64 is left out.
   * Each step gives a view of one array, which the next step writes anew: copy what is to be kept.
   */
  *ranges({ window = WINDOW }: WindowOptions = {}): Generator<BigUint64Array, void, undefined> {
    const reader: NativeReader = native().openRanges(this.#tree.tree);
    const array = new BigUint64Array(window);
    for (;;) {
      const count = native().nextRanges(reader, this.#bytes, array);
      if (count === 0) return;
      yield array.subarray(0, count);
    }
  }

  /**
   * Blocks of one order, ascending. Each step gives a view of one array, which the next step writes anew.
   * @throws KhoforgeError `FOLIO_ORDER`
   */
  *blocks(order: number, { window = WINDOW }: WindowOptions = {}): Generator<BlockNumbers, void, undefined> {
    const reader = this.#openBlocks(order);
    const array = new Uint32Array(window);
    for (;;) {
      const { base, count } = native().nextBlocks(reader, this.#bytes, array);
      if (count === 0) return;
      yield { base, numbers: array.subarray(0, count) };
    }
  }

  /**
   * Blocks of one order, all in memory: one array for each `base` and each 2^30 blocks. The arrays are the caller's.
   * @param options.threads that share the work, by default none but the caller's; where the blocks have several
   *   bases it does it alone
   * @throws KhoforgeError `FOLIO_ORDER`
   */
  allBlocks(order: number, { threads = 1 }: { threads?: number } = {}): BlockNumbers[] {
    const reader = this.#openBlocks(order);
    const shared =
      threads > 1 ? native().listBlocks(this.#tree.tree, this.#bytes, order, threads) : undefined;
    if (shared) return shared.numbers.length > 0 ? [shared] : [];
    const all: BlockNumbers[] = [];
    for (;;) {
      const part = native().allBlocks(reader, this.#bytes, MAX_ARRAY_LENGTH);
      if (part.numbers.length === 0) return all;
      all.push(part);
    }
  }

  #openBlocks(order: number): NativeReader {
    if (Number.isInteger(order) && order >= 0 && order <= this.#wholeOrder) {
      return native().openBlocks(this.#tree.tree, order);
    }
    throw new KhoforgeError('FOLIO_ORDER', `no folio has order ${order}`, {
      hint: `orders are 0 to ${this.#wholeOrder}`,
    });
  }
}

/**
 * Finds the leaves of a preserved memory map in memory that may hold anything.
 * @param memory sorted, not overlapping; addresses outside are unmapped. The bytes are read in place.
 * @param root physical address of the map
 * @throws KhoforgeError `MAP_VIEW_UNSORTED`, `MAP_ADDRESS`, `NOT_RADIX`, `MAP_BIG_ENDIAN`
 */
export function openRadixTree(
  target: RadixTarget,
  memory: readonly MapExtent[],
  root: bigint,
  { maxFindings = 256 }: { maxFindings?: number } = {},
): RadixReader {
  requireLittleEndian(target);
  const { pageShift, depth } = radixGeometry(target);
  const { starts, bytes, map } = memoryArguments(memory, root);
  try {
    const tree = native().openRadixTree(pageShift, depth, starts, bytes, map, maxFindings);
    return new RadixReader(tree, bytes, 64 - pageShift);
  } catch (error) {
    throw memoryRefused(error, memory);
  }
}
