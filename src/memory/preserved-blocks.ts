import { lowerBound } from './intervals.ts';
import { splitRange } from './preserved-entries.ts';

/** Address and order. */
export type Block = readonly [phys: bigint, order: number];

/** The blocks that kho_preserve_pages() makes of a range of whole pages. @throws KhoforgeError `MAP_RANGE_*` */
export function rangeBlocks(start: bigint, size: bigint, pageShift: number): Block[] {
  const shift = BigInt(pageShift);
  const { pfns, orders } = splitRange(pageShift, start >> shift, (start + size) >> shift);
  return [...pfns].map((pfn, i): Block => [pfn << shift, orders[i] ?? 0]);
}

/** The blocks of a memory map, each of which one structure may claim as its own. */
export class PreservedBlocks {
  /** Ascending by address, then by order. */
  readonly phys: BigUint64Array;
  readonly orders: Uint8Array;
  readonly #claimed: Uint8Array;

  constructor(phys: BigUint64Array, orders: Uint8Array) {
    this.phys = phys;
    this.orders = orders;
    this.#claimed = new Uint8Array(phys.length);
  }

  /** Order of a block that begins at the address and is not claimed; the lowest when there are several. */
  orderAt(phys: bigint): number | undefined {
    const index = this.#find(phys, () => true);
    return index === undefined ? undefined : this.orders[index];
  }

  /** Claims all of these blocks, or none when one is not in the map, or claimed before. */
  claim(wanted: readonly Block[]): boolean {
    const done: number[] = [];
    for (const [phys, order] of wanted) {
      const index = this.#find(phys, (other) => other === order);
      if (index === undefined) {
        for (const back of done) this.#claimed[back] = 0;
        return false;
      }
      this.#claimed[index] = 1;
      done.push(index);
    }
    return true;
  }

  isClaimed(index: number): boolean {
    return this.#claimed[index] === 1;
  }

  #find(phys: bigint, wanted: (order: number) => boolean): number | undefined {
    for (let i = this.#firstAt(phys); this.phys[i] === phys; i++) {
      if (!this.isClaimed(i) && wanted(this.orders[i] ?? 0)) return i;
    }
    return undefined;
  }

  #firstAt(phys: bigint): number {
    return lowerBound(this.phys.length, (i) => (this.phys[i] ?? 0n) >= phys);
  }
}
