import { hex } from '../base/numbers.ts';
import type { MapFinding, NativeWalk } from './native.ts';
import { mapAddress, refused } from './preserved-entries.ts';

export type { MapFinding, MapFindingCode } from './native.ts';

/** Bytes that are known to stand at a physical address. */
export interface MapExtent {
  readonly start: bigint;
  readonly bytes: Uint8Array;
}

export interface MapWalkOptions {
  /** Runs of blocks to keep, 16 bytes each; default 2^24. What is beyond sets `rangesTruncated`. */
  maxRanges?: number;
  /** Findings to keep; default 256. `findingCount` counts all. */
  maxFindings?: number;
  /** Blocks to list one by one in `folios`; default 0. */
  maxFolios?: number;
  /** Blocks of a higher order are findings; default 64 - page shift: none. */
  maxOrder?: number;
}

/** What a preserved memory map of any layout says, and what is wrong with it. */
export interface MapWalk {
  /** start, end, … in bytes; ascending, merged across orders. A block that ends at 2^64 is left out. */
  readonly ranges: BigUint64Array;
  /** Bytes in all ranges together: a page that is preserved twice counts once. */
  readonly bytes: bigint;
  /** Blocks per order, index 0 to 52. */
  readonly byOrder: BigUint64Array;
  /** Pages entered that link others: tables of a radix tree, the root included; chunks of a bitmap chain. */
  readonly nodes: number;
  /** Bitmaps read. */
  readonly leaves: number;
  readonly findings: readonly MapFinding[];
  readonly findingCount: number;
  /** Blocks ascending by address, then by order, up to `maxFolios`. */
  readonly folios: { readonly phys: BigUint64Array; readonly orders: Uint8Array };
  readonly rangesTruncated: boolean;
  readonly foliosTruncated: boolean;
}

/** Memory, start and limits of a walk as the addon takes them. */
export type WalkArguments = [BigUint64Array, readonly Uint8Array[], bigint, number, number, number, number];

/**
 * Reads a map out of memory that may hold anything.
 * @param memory sorted, not overlapping; addresses outside are unmapped. The bytes are read in place.
 * @param map physical address of the map
 * @param walk the addon's call
 * @throws KhoforgeError `MAP_VIEW_UNSORTED`, `MAP_ADDRESS`
 */
export function walkMap(
  pageShift: number,
  memory: readonly MapExtent[],
  map: bigint,
  options: MapWalkOptions,
  walk: (...args: WalkArguments) => NativeWalk,
): MapWalk & { readonly undecodable: number } {
  const { maxRanges = 2 ** 24, maxFindings = 256, maxFolios = 0, maxOrder = 64 - pageShift } = options;
  const { starts, bytes, map: at } = memoryArguments(memory, map);
  try {
    return toWalk(walk(starts, bytes, at, maxRanges, maxFindings, maxFolios, maxOrder));
  } catch (error) {
    throw memoryRefused(error, memory);
  }
}

/**
 * Memory and a map's address as the addon takes them.
 * @throws KhoforgeError `MAP_ADDRESS`
 */
export function memoryArguments(
  memory: readonly MapExtent[],
  address: bigint,
): { starts: BigUint64Array; bytes: readonly Uint8Array[]; map: bigint } {
  const starts = new BigUint64Array(memory.length);
  for (const [i, { start }] of memory.entries()) starts[i] = mapAddress(start, `start of extent ${i}`);
  const bytes = memory.map((extent) => extent.bytes);
  return { starts, bytes, map: mapAddress(address, 'address of the preserved memory map') };
}

/** An addon error as a KhoforgeError that names the extent. */
export function memoryRefused(error: unknown, memory: readonly MapExtent[]): unknown {
  return refused(error, (_code, index) => describeExtent(index, memory));
}

function toWalk({ tables, folioPhys, folioOrders, ...walk }: NativeWalk) {
  return { ...walk, nodes: tables, folios: { phys: folioPhys, orders: folioOrders } };
}

function describeExtent(index: number, memory: readonly MapExtent[]): { path: string; value: string } {
  const { start, bytes } = memory[index] ?? { start: 0n, bytes: new Uint8Array() };
  return { path: `extent ${index}`, value: `${bytes.length} bytes at ${hex(start)}` };
}
