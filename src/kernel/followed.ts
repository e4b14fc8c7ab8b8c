import { alignDown, alignUp } from '../base/numbers.ts';
import { unionOf } from '../memory/intervals.ts';
import type { MapFindingCode, MapWalk } from '../memory/map-walk.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { Kernel } from './kernel.ts';

/** What becomes of a kernel that follows a memory map, wherever it leads. */
export type Followed =
  /** It got through it, and reserved and marked what it says. */
  | { readonly kind: 'read'; readonly blocks: readonly Block[] }
  | { readonly kind: 'faults'; readonly phys: bigint }
  | { readonly kind: 'endless' }
  /** It reads memory of which nobody knows what is there by then, or more than is followed here. */
  | { readonly kind: 'open' };

/** What one key, or bit, says. */
export interface Block {
  readonly phys: bigint;
  /** Bytes that are reserved. */
  readonly size: bigint;
  /** As it is marked on the page; what is no order may be any number. */
  readonly order: number;
}

/** Blocks that are followed; more leave it open. */
export const MAX_BLOCKS = 1 << 18;

/** What is wrong with a map that a kernel follows all the same: it checks nothing of it. */
const FOLLOWED: ReadonlySet<MapFindingCode> = new Set<MapFindingCode>([
  'NODE_UNALIGNED',
  'NODE_OUTSIDE',
  'NODE_TWICE',
  'KEY_WITHOUT_ORDER',
  'KEY_TOO_WIDE',
  'ADDRESS_OVERFLOW',
  'CHUNK_UNALIGNED',
  'CHUNK_OUTSIDE',
  'CHUNK_TOO_FULL',
  'CHUNK_ORDER',
  'BITMAP_OUTSIDE',
  'BITMAP_UNALIGNED',
  'BITMAP_TWICE',
  'START_UNALIGNED',
]);

/** Whether following the map as a kernel does tells more than the walk that keeps to what a map is. */
export const isWild = ({ findings }: MapWalk): boolean => findings.some(({ code }) => FOLLOWED.has(code));

/**
 * What a kernel reads there, through its direct map, or why it does not.
 * @param unknown memory whose contents nobody knows when the map is read
 */
export function readAt(
  kernel: Kernel,
  phys: bigint,
  length: number,
  unknown: readonly Region[],
): Buffer | Exclude<Followed, { kind: 'read' }> {
  const end = phys + BigInt(length);
  if (end > 1n << 64n || kernel.faultsAt(phys, end)) return { kind: 'faults', phys };
  if (unknown.some((region) => region.start < end && phys < regionEnd(region))) return { kind: 'open' };
  return Buffer.from(kernel.read(phys, length));
}

/** Numbers of the bits that are set, in a little-endian bitmap. */
export function* setBits(bitmap: Uint8Array): Generator<bigint> {
  for (const [at, byte] of bitmap.entries()) {
    for (let bit = 0; byte >> bit > 0; bit++) {
      if ((byte >> bit) % 2 === 1) yield BigInt(at * 8 + bit);
    }
  }
}

/** What ends beyond is cut, as memblock_cap_size() does (mm/memblock.c, 7.3). */
const LAST_PAGE = (1n << 64n) - (1n << 16n);

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
