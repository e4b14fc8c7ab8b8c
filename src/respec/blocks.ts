import { splitRange } from '../memory/preserved-entries.ts';
import type { Spec } from '../specfile/schema.ts';

type Preserve = NonNullable<Spec['preserve']>[number];

/** The blocks of a memory map, from which those that a structure preserves by itself are taken. */
export interface BlockSet {
  /** Ascending by address, then by order. */
  readonly phys: BigUint64Array;
  readonly orders: Uint8Array;
  readonly pageShift: number;
  /** 1 for a block that was taken. */
  readonly taken: Uint8Array;
  /** Order of a block that begins at the address and was not taken; the lowest when there are several. */
  orderAt(phys: bigint): number | undefined;
  /** Takes a block; false when it is not in the map, or was taken. */
  take(phys: bigint, order: number): boolean;
  /** Takes all of these blocks, or none of them when one is not there. */
  takeAll(wanted: readonly Block[]): boolean;
}

/** Address and order. */
export type Block = readonly [phys: bigint, order: number];

/** The blocks that kho_preserve_pages() makes of a range of whole pages. @throws KhoforgeError `MAP_RANGE_*` */
export function rangeBlocks(start: bigint, size: bigint, pageShift: number): Block[] {
  const shift = BigInt(pageShift);
  const { pfns, orders } = splitRange(pageShift, start >> shift, (start + size) >> shift);
  return [...pfns].map((pfn, i): Block => [pfn << shift, orders[i] ?? 0]);
}

export function blockSet(phys: BigUint64Array, orders: Uint8Array, pageShift: number): BlockSet {
  const taken = new Uint8Array(phys.length);
  const find = (at: bigint, wanted: (order: number) => boolean) => {
    for (let i = firstAt(phys, at); phys[i] === at; i++) {
      if (taken[i] === 0 && wanted(orders[i] ?? 0)) return i;
    }
    return undefined;
  };
  return {
    phys,
    orders,
    pageShift,
    taken,
    orderAt(at) {
      const index = find(at, () => true);
      return index === undefined ? undefined : orders[index];
    },
    take(at, order) {
      const index = find(at, (other) => other === order);
      if (index !== undefined) taken[index] = 1;
      return index !== undefined;
    },
    takeAll(wanted) {
      const done: number[] = [];
      for (const [at, order] of wanted) {
        const index = find(at, (other) => other === order);
        if (index === undefined) {
          for (const back of done) taken[back] = 0;
          return false;
        }
        taken[index] = 1;
        done.push(index);
      }
      return true;
    },
  };
}

function firstAt(phys: BigUint64Array, at: bigint): number {
  let low = 0;
  let high = phys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((phys[middle] ?? 0n) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The blocks that nothing took, blocks of one order in a row as one entry `NAME-<address>`. */
export function leftOver({ phys, orders, taken, pageShift }: BlockSet, name: string): Preserve[] {
  const entries: (Preserve & { count: number; order: number; addr: bigint })[] = [];
  phys.forEach((addr, i) => {
    if (taken[i] !== 0) return;
    const order = orders[i] ?? 0;
    const last = entries.at(-1);
    const size = 1n << BigInt(order + pageShift);
    if (last && last.order === order && last.addr + BigInt(last.count) * size === addr) last.count++;
    else entries.push({ name: `${name}-${addr.toString(16)}-${order}`, order, count: 1, addr });
  });
  return entries;
}
