import { SeededBytes } from '../emit/random.ts';

/** Chance that is the same everywhere: all that is drawn follows from the seed and the number of the run. */
export class Draw {
  readonly #stream: SeededBytes;

  constructor(seed: string, run: number) {
    this.#stream = new SeededBytes(`fuzz ${seed} ${run}`);
  }

  /** 0 … count - 1. */
  below(count: number): number {
    return this.#stream.u32() % count;
  }

  /** True once in `of`. */
  once(of: number): boolean {
    return this.below(of) === 0;
  }

  /** Any number of 64 bits. */
  u64(): bigint {
    return (BigInt(this.#stream.u32()) << 32n) | BigInt(this.#stream.u32());
  }

  bytes(length: number): Uint8Array {
    return this.#stream.bytes(length);
  }

  /** @throws RangeError where there is nothing to pick */
  pick<T>(list: readonly T[]): T {
    const [one] = list.slice(this.below(list.length));
    if (one === undefined) throw new RangeError('nothing to pick');
    return one;
  }
}
