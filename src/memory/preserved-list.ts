import { KhoforgeError } from '../base/errors.ts';
import type { PreservedEntries } from './radix-tree.ts';

/** Gathers preserved memory in the order in which it is preserved, for the bitmap engine. */
export class PreservedList {
  readonly #ranges = new Words();
  readonly #phys = new Words();
  readonly #counts = new Words();
  readonly #orders: number[] = [];

  /** `count` whole folios in a row from `phys`, as kho_preserve_folio() keeps each. */
  addFolios(phys: bigint, order: number, count = 1): void {
    if (!Number.isInteger(order) || order < 0 || order > 255) {
      throw new KhoforgeError('FOLIO_ORDER', `no folio has order ${order}`, { where: { phys } });
    }
    this.#phys.push(phys);
    this.#orders.push(order);
    this.#counts.push(BigInt(count));
  }

  /** Pages [startPfn, endPfn), split into blocks as kho_preserve_pages() does. */
  addRange(startPfn: bigint, endPfn: bigint): void {
    this.#ranges.push(startPfn);
    this.#ranges.push(endPfn);
  }

  /** What was gathered so far. */
  entries(): Required<Pick<PreservedEntries, 'ranges' | 'folios'>> {
    return {
      ranges: this.#ranges.view(),
      folios: {
        phys: this.#phys.view(),
        orders: Uint8Array.from(this.#orders),
        counts: this.#counts.view(),
      },
    };
  }
}

/** A BigUint64Array that grows by doubling. */
class Words {
  #words = new BigUint64Array(64);
  #length = 0;

  push(word: bigint): void {
    if (this.#length === this.#words.length) {
      const grown = new BigUint64Array(this.#length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words[this.#length++] = word;
  }

  view(): BigUint64Array {
    return this.#words.subarray(0, this.#length);
  }
}
