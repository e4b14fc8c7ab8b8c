import { maxPageOrder } from '../abi/page-order.ts';
import { hex } from '../base/numbers.ts';
import type { Preserved } from '../memory/preserved.ts';
import type { Kernel } from './kernel.ts';

/** The line of a kernel warning depends on its version and build; this part does not. */
export const RESTORE_WARNING = 'kho_restore_page+0x';

/** kho_restore_page() (KH): it restores each page once, by the mark that the memory map left on it. */
export class Restorer {
  readonly #kernel: Kernel;
  readonly #preserved: Preserved;
  readonly #restored = new Set<bigint>();

  constructor(kernel: Kernel, preserved: Preserved) {
    this.#kernel = kernel;
    this.#preserved = preserved;
  }

  /** @returns the order of the block, or in words why the kernel refuses it; it warns when it does */
  restore(phys: bigint): number | string {
    const page = phys & ~(this.#kernel.pageSize - 1n);
    const order = this.#preserved.orderAt(page);
    if (order === undefined) return `${hex(phys)} is not preserved, or no block starts there`;
    if (this.#restored.has(page)) return `${hex(phys)} is restored a second time`;
    const limit = maxPageOrder(this.#kernel.target);
    if (this.#kernel.receiver.restoreLimitsOrder && order > limit) {
      return `${hex(phys)} has order ${order}, the limit is ${limit}`;
    }
    this.#restored.add(page);
    return order;
  }

  /** kho_restore_pages(): by the blocks that a range splits into, whatever order each is marked with. */
  restorePages(phys: bigint, count: number): string | undefined {
    const shift = BigInt(this.#kernel.target.pageShift);
    const end = (phys >> shift) + BigInt(count);
    for (let pfn = phys >> shift; pfn < end; ) {
      const wrong = this.restore(pfn << shift);
      if (typeof wrong === 'string') return wrong;
      pfn += 1n << BigInt(Math.min(trailingZeros(pfn), log2(end - pfn)));
    }
    return undefined;
  }

  /** False where the image has more blocks than were read: then nothing can be said of those that were not. */
  get complete(): boolean {
    return this.#preserved.complete;
  }
}

function trailingZeros(value: bigint): number {
  let count = 0;
  while (count < 63 && (value >> BigInt(count)) % 2n === 0n) count++;
  return count;
}

function log2(value: bigint): number {
  return value.toString(2).length - 1;
}
