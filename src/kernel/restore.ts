import { maxPageOrder } from '../abi/page-order.ts';
import { hex } from '../base/numbers.ts';
import type { Preserved } from '../memory/preserved.ts';
import { type Stage, warn } from './events.ts';
import type { Kernel } from './kernel.ts';

const WARNING = warn('kho_restore_page+0x');

/** Why the kernel does not restore a page, in words, and whether it warns of that. */
export interface Unrestored {
  readonly text: string;
  readonly warns: boolean;
}

/** kho_restore_page() (KH): it restores each page once, by the mark that the memory map left on it. */
export class Restorer {
  readonly #kernel: Kernel;
  readonly #preserved: Preserved;
  readonly #restored = new Set<bigint>();
  #warned = false;

  constructor(kernel: Kernel, preserved: Preserved) {
    this.#kernel = kernel;
    this.#preserved = preserved;
  }

  /** @returns the order of the block, or why the kernel refuses it */
  restore(phys: bigint): number | Unrestored {
    const { pageSize, target, receiver } = this.#kernel;
    const page = phys & ~(pageSize - 1n);
    const refused = (text: string, warns = true) => ({ text: `${hex(phys)} ${text}`, warns });
    if (!this.#kernel.hasStructPages(page, page + pageSize)) return refused('is far from all RAM', false);
    const order = this.#preserved.orderAt(page);
    if (order === undefined) return refused('is not preserved, or no block starts there');
    if (this.#restored.has(page)) return refused('is restored a second time');
    const limit = maxPageOrder(target);
    if (receiver.restoreLimitsOrder && order > limit) {
      return refused(`has order ${order}, the limit is ${limit}`);
    }
    this.#restored.add(page);
    return order;
  }

  /** Whether a page was restored, and freed by whoever read it, as likely as not. */
  isRestored(phys: bigint): boolean {
    return this.#restored.has(phys & ~(this.#kernel.pageSize - 1n));
  }

  /** WARN_ON_ONCE(): the first of them is the last. */
  *warn({ warns }: Pick<Unrestored, 'warns'>): Stage {
    if (warns && !this.#warned) yield WARNING;
    if (warns) this.#warned = true;
  }

  /** kho_restore_pages(): by the blocks that a range splits into, whatever order each is marked with. */
  restorePages(phys: bigint, count: number): Unrestored | undefined {
    const shift = BigInt(this.#kernel.target.pageShift);
    const end = (phys >> shift) + BigInt(count);
    for (let pfn = phys >> shift; pfn < end; ) {
      const wrong = this.restore(pfn << shift);
      if (typeof wrong !== 'number') return wrong;
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
