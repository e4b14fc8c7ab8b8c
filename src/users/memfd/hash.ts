import { createHash, type Hash } from 'node:crypto';
import type { HandlerImage } from '../handler.ts';

/** Folios of one order that are in a row, in memory and in the file. */
export type ListedRun = {
  /** First page in the file. */
  readonly index: bigint;
  readonly phys: bigint;
  /** Null where it is not preserved, or no block starts there. */
  readonly order: number | null;
  readonly count: number;
  readonly flags: number;
};

/** Folios that are read of one image, 16 bytes each; a host of 4 TiB has them when all its memory is in memfds. */
const MAX_FOLIOS = 1 << 26;
/** Bytes of file contents that are hashed of one image. */
const MAX_HASHED = 1n << 30n;
const PIECE = 1 << 20;
const ZEROES = new Uint8Array(PIECE);

/** Keeps the reading of one image within bounds: its lists may be long, and may be the same list again and again. */
export class MemfdBudget {
  #folios = MAX_FOLIOS;
  #bytes = MAX_HASHED;
  readonly #seen = new Set<bigint>();

  /** Whether a memfd was read before; from then on it was. */
  isKnown(phys: bigint): boolean {
    return this.#seen.has(phys) || !this.#seen.add(phys);
  }

  /** How many of `wanted` folios may still be read. */
  folios(wanted: bigint, problems: string[]): number {
    const granted = wanted < BigInt(this.#folios) ? Number(wanted) : this.#folios;
    if (BigInt(granted) < wanted) problems.push(`only ${granted} of ${wanted} folios are read`);
    this.#folios -= granted;
    return granted;
  }

  /** SHA-256 of a file's bytes, holes included; null where they are not all in the image, or are too many. */
  hash({ memory, target }: HandlerImage, runs: readonly ListedRun[], size: bigint): string | null {
    if (size > this.#bytes) return null;
    const ascending = [...runs].sort((a, b) => (a.index < b.index ? -1 : a.index > b.index ? 1 : 0));
    const hash = createHash('sha256');
    let done = 0n;
    for (const { index, phys, order, count } of ascending) {
      const start = index << BigInt(target.pageShift);
      if (order === null || start < done) return null;
      if (start >= size) break;
      const whole = (BigInt(target.pageSize) << BigInt(order)) * BigInt(count);
      const length = start + whole < size ? whole : size - start;
      if (!memory.hasContents(phys, Number(length))) return null;
      zeroes(hash, start - done);
      for (let at = 0n; at < length; at += BigInt(PIECE)) {
        hash.update(memory.read(phys + at, Number(length - at < BigInt(PIECE) ? length - at : PIECE)));
      }
      done = start + length;
    }
    zeroes(hash, size - done);
    this.#bytes -= size;
    return hash.digest('hex');
  }
}

function zeroes(hash: Hash, count: bigint): void {
  for (let left = count; left > 0n; left -= BigInt(PIECE)) {
    hash.update(left < BigInt(PIECE) ? ZEROES.subarray(0, Number(left)) : ZEROES);
  }
}
