import { overlaps } from '../base/numbers.ts';

/** A range that is taken, and by what. */
export interface Taken {
  readonly start: bigint;
  readonly end: bigint;
  /** Path of the structure there, e.g. `kho_test/folios[3]`. */
  readonly path: string;
}

interface Entry extends Taken {
  /** Of addition. */
  readonly position: number;
}

/**
 * Ranges of any size that may overlap, found by what they overlap. Ranges up to 2^k bytes are kept by the 2^k bytes that
 * they begin in, so that a search looks at those near it alone.
 */
export class Overlaps {
  /** By k. */
  readonly #classes = new Map<bigint, Map<bigint, Entry[]>>();
  #count = 0;

  add(start: bigint, end: bigint, path: string): void {
    const k = BigInt((end - start - 1n).toString(2).length);
    const pieces = getOr(this.#classes, k, () => new Map<bigint, Entry[]>());
    getOr(pieces, start >> k, (): Entry[] => []).push({ start, end, path, position: this.#count++ });
  }

  /** All that share a byte with [start, end), in the order in which they were added. */
  find(start: bigint, end: bigint): Taken[] {
    const found = [...this.#classes].flatMap(([k, pieces]) =>
      near(pieces, (start >> k) - 1n, (end - 1n) >> k).filter((entry) =>
        overlaps(start, end, entry.start, entry.end),
      ),
    );
    return found.sort((a, b) => a.position - b.position);
  }
}

/** Entries of the pieces from `first` to `last`. */
function near(pieces: ReadonlyMap<bigint, Entry[]>, first: bigint, last: bigint): Entry[] {
  if (last - first >= BigInt(pieces.size)) return [...pieces.values()].flat();
  const result: Entry[] = [];
  for (let piece = first; piece <= last; piece++) result.push(...(pieces.get(piece) ?? []));
  return result;
}

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}
