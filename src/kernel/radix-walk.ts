import { radixGeometry } from '../abi/radix.ts';
import { alignDown, alignUp } from '../base/numbers.ts';
import { unionOf } from '../memory/intervals.ts';
import type { MapFindingCode, MapWalk } from '../memory/map-walk.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { Kernel } from './kernel.ts';

/** What becomes of a kernel that follows a tree, wherever it leads. */
export type RadixOutcome =
  /** It got through it, and reserved and marked what the keys say. */
  | { readonly kind: 'read'; readonly blocks: readonly Block[] }
  | { readonly kind: 'faults'; readonly phys: bigint }
  | { readonly kind: 'endless' }
  /** It reads memory of which nobody knows what is there by then, or more than is followed here. */
  | { readonly kind: 'open' };

/** What one key says. */
export interface Block {
  readonly phys: bigint;
  /** Bytes that are reserved. */
  readonly size: bigint;
  /** As it is marked on the page; a key without a valid order gives one that is no order. */
  readonly order: number;
}

/** What is wrong with a tree that a kernel follows all the same: it checks nothing of it. */
const FOLLOWED: ReadonlySet<MapFindingCode> = new Set<MapFindingCode>([
  'NODE_UNALIGNED',
  'NODE_OUTSIDE',
  'NODE_TWICE',
  'KEY_WITHOUT_ORDER',
  'KEY_TOO_WIDE',
  'ADDRESS_OVERFLOW',
]);

/** Whether following the tree as a kernel does tells more than the walk that keeps to what a tree is. */
export const isWild = ({ findings }: MapWalk): boolean => findings.some(({ code }) => FOLLOWED.has(code));

/** What ends beyond is cut, as memblock_cap_size() does (mm/memblock.c, 7.3). */
const LAST_PAGE = (1n << 64n) - (1n << 16n);
const MAX_NODES = 1 << 14;
const MAX_KEYS = 1 << 18;
/** Blocks of KHO_SCRATCH_EXT_BLKSIZE that are marked one by one (KH, 7.3: kho_ext_walk_leaf): what passes, what never ends. */
const EXTENSION_SHIFT = 30n;
const [FEW_STEPS, ENDLESS_STEPS] = [1n << 20n, 1n << 30n];

/**
 * __kho_radix_walk_tree() (KH, 7.1 to 7.3), with what is called for each key: an entry is any address, aligned or not, and a
 * key any number.
 * @param unknown memory whose contents nobody knows when the map is read
 */
export function followRadixTree(kernel: Kernel, root: bigint, unknown: readonly Region[]): RadixOutcome {
  const walker = new Walker(kernel, unknown);
  const stopped = walker.walk(root);
  if (stopped) return stopped;
  return applyKeys(kernel, walker.keys);
}

class Walker {
  readonly keys: bigint[] = [];
  readonly #kernel: Kernel;
  readonly #unknown: readonly Region[];
  readonly #geometry: ReturnType<typeof radixGeometry>;
  #nodes = 0;

  constructor(kernel: Kernel, unknown: readonly Region[]) {
    this.#kernel = kernel;
    this.#unknown = unknown;
    this.#geometry = radixGeometry(kernel.target);
  }

  walk(root: bigint): RadixOutcome | undefined {
    return this.#node(root, this.#geometry.depth - 1, 0n);
  }

  /** In the order of the kernel, which is that of keys: the first that ends it is what ends it. */
  #node(phys: bigint, level: number, start: bigint): RadixOutcome | undefined {
    const end = phys + this.#kernel.pageSize;
    if (++this.#nodes > MAX_NODES) return { kind: 'open' };
    if (end > 1n << 64n || this.#kernel.faultsAt(phys, end)) return { kind: 'faults', phys };
    if (this.#unknown.some((region) => region.start < end && phys < regionEnd(region)))
      return { kind: 'open' };
    const page = Buffer.from(this.#kernel.read(phys, this.#kernel.target.pageSize));
    return level === 0 ? this.#leaf(page, start) : this.#table(page, level, start);
  }

  #table(page: Buffer, level: number, start: bigint): RadixOutcome | undefined {
    const { tableSizeLog2, bitmapSizeLog2 } = this.#geometry;
    const shift = BigInt((level - 1) * tableSizeLog2 + bitmapSizeLog2);
    for (let at = 0; at < page.length; at += 8) {
      const entry = page.readBigUInt64LE(at);
      if (entry === 0n) continue;
      const stopped = this.#node(entry, level - 1, start | (BigInt(at / 8) << shift));
      if (stopped) return stopped;
    }
    return undefined;
  }

  #leaf(page: Buffer, start: bigint): RadixOutcome | undefined {
    for (const [at, byte] of page.entries()) {
      for (let bit = 0; byte >> bit > 0; bit++) {
        if ((byte >> bit) % 2 === 1) this.keys.push(start | BigInt(at * 8 + bit));
      }
      if (this.keys.length > MAX_KEYS) return { kind: 'open' };
    }
    return undefined;
  }
}

/** First the blocks that are no scratch (7.3), then those that are reserved. */
function applyKeys(kernel: Kernel, keys: readonly bigint[]): RadixOutcome {
  const blocks = keys.map((key) => decode(key, kernel.target.pageShift));
  if (kernel.receiver.extendsScratch) {
    const steps = blocks.reduce((sum, { size }) => sum + (size >> EXTENSION_SHIFT), 0n);
    if (steps > ENDLESS_STEPS) return { kind: 'endless' };
    if (steps > FEW_STEPS) return { kind: 'open' };
  }
  const outside = blocks.find(({ phys }) => !kernel.hasStructPages(phys, phys + 1n));
  return outside ? { kind: 'faults', phys: outside.phys } : { kind: 'read', blocks };
}

/**
 * kho_decode_radix_key() (KH, 7.1 to 7.3) as processors have it: the order is an unsigned int, fls64(0) - 1 is its highest,
 * and of the width of a shift the lower 6 bits count.
 */
function decode(key: bigint, pageShift: number): Block {
  const orderBit = key.toString(2).length - 1;
  const order = key === 0n ? 65 - pageShift : 64 - pageShift - orderBit;
  const shift = BigInt.asUintN(6, BigInt(pageShift + order));
  return { phys: BigInt.asUintN(64, key << shift), size: 1n << shift, order };
}

/** What the kernel has reserved and marked then, in the form of a walk. */
export function walkOf(walk: MapWalk, blocks: readonly Block[], pageShift: number): MapWalk {
  const page = 1n << BigInt(pageShift);
  const folios = blocks
    .filter(({ order }) => order >= 0 && order < walk.byOrder.length)
    .map(({ phys, order }) => ({ phys: alignDown(phys, page), order }))
    .sort((a, b) => (a.phys === b.phys ? a.order - b.order : a.phys < b.phys ? -1 : 1));
  const byOrder = new BigUint64Array(walk.byOrder.length);
  for (const { order } of folios) byOrder[order] = (byOrder[order] ?? 0n) + 1n;
  // What memblock has reserved of a page, nobody else gets.
  const merged = unionOf(
    blocks.map(({ phys, size }) => {
      const start = alignDown(phys, page);
      const end = alignUp(phys + size, page);
      return { start, size: (end < LAST_PAGE ? end : LAST_PAGE) - start };
    }),
  );
  return {
    ...walk,
    ranges: BigUint64Array.from(merged.flatMap(({ start, size }) => [start, start + size])),
    bytes: merged.reduce((sum, { size }) => sum + size, 0n),
    byOrder,
    folios: {
      phys: BigUint64Array.from(folios, ({ phys }) => phys),
      orders: Uint8Array.from(folios, ({ order }) => order),
    },
    foliosTruncated: false,
    rangesTruncated: false,
  };
}
