import type { Producer } from '../emit/producer.ts';

/** Path of the memory map's pages; `place` may give the first one, which the root FDT names, a place of its own. */
export const MEMORY_MAP = 'memory-map';
export const MEMORY_MAP_ROOT = `${MEMORY_MAP}/root`;

export interface PlacedMap {
  /** Physical address of the first page. */
  readonly phys: bigint;
  /** Address that the pages would be in a row from; the first page may stand elsewhere, since no other refers to it. */
  readonly base: bigint;
}

/**
 * Memory for the pages of a memory map: in a row, or the first of them apart, because a kernel's stand anywhere.
 * @param size bytes, whole pages
 */
export function placeMap(producer: Producer, size: bigint): PlacedMap {
  const { pageSize } = producer;
  if (!producer.isPlaced(MEMORY_MAP_ROOT)) {
    const phys = producer.allocate(MEMORY_MAP, size);
    return { phys, base: phys };
  }
  const phys = producer.allocate(MEMORY_MAP_ROOT, pageSize);
  if (size === pageSize) return { phys, base: phys };
  return { phys, base: producer.allocate(MEMORY_MAP, size - pageSize) - pageSize };
}

/** Maps the pages, whose addresses are final, where `placeMap` put them. */
export function mapPages({ memory, pageSize }: Producer, { phys, base }: PlacedMap, pages: Uint8Array): void {
  memory.map(phys, pages.subarray(0, Number(pageSize)));
  memory.map(base + pageSize, pages.subarray(Number(pageSize)));
}
