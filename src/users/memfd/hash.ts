import { createHash, type Hash } from 'node:crypto';
import type { PhysicalMemory } from '../../memory/physical-memory.ts';
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
/** Lengths of which the digest of zeroes is kept. */
const MAX_ZERO_DIGESTS = 64;

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
  hash(image: HandlerImage, runs: readonly ListedRun[], size: bigint): string | null {
    if (size > this.#bytes) return null;
    const parts = partsOf(image, runs, size);
    if (parts === undefined) return null;
    this.#bytes -= size;
    const isEmpty = parts.every(({ phys, length }) => isZero(image.memory, phys, phys + length));
    return isEmpty ? digestOfZeroes(size) : digestOf(image.memory, parts, size);
  }
}

/** Bytes of a file that stand in a row in memory. */
interface Part {
  /** Offset in the file. */
  readonly start: bigint;
  readonly phys: bigint;
  readonly length: bigint;
}

/** The parts of a file, ascending; undefined where they are not all in the image. */
function partsOf(
  { memory, target }: HandlerImage,
  runs: readonly ListedRun[],
  size: bigint,
): Part[] | undefined {
  const ascending = [...runs].sort((a, b) => (a.index < b.index ? -1 : a.index > b.index ? 1 : 0));
  const parts: Part[] = [];
  let done = 0n;
  for (const { index, phys, order, count } of ascending) {
    const start = index << BigInt(target.pageShift);
    if (order === null || start < done) return undefined;
    if (start >= size) break;
    const whole = (BigInt(target.pageSize) << BigInt(order)) * BigInt(count);
    const length = start + whole < size ? whole : size - start;
    if (!memory.hasContents(phys, Number(length))) return undefined;
    parts.push({ start, phys, length });
    done = start + length;
  }
  return parts;
}

/** Whether memory is known to be zero without reading it. */
function isZero(memory: PhysicalMemory, start: bigint, end: bigint): boolean {
  for (let at = start; at < end; ) {
    const until = memory.zeroUntil(at);
    if (until <= at) return false;
    at = until;
  }
  return true;
}

/** Files that were never written to, such as a virtual machine's memory before it starts, are large and alike. */
const ZERO_DIGESTS = new Map<bigint, string>();

function digestOfZeroes(size: bigint): string {
  const known = ZERO_DIGESTS.get(size);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  zeroes(hash, size);
  const digest = hash.digest('hex');
  if (ZERO_DIGESTS.size < MAX_ZERO_DIGESTS) ZERO_DIGESTS.set(size, digest);
  return digest;
}

function digestOf(memory: PhysicalMemory, parts: readonly Part[], size: bigint): string {
  const hash = createHash('sha256');
  let done = 0n;
  for (const { start, phys, length } of parts) {
    zeroes(hash, start - done);
    for (let at = 0n; at < length; at += BigInt(PIECE)) {
      hash.update(memory.read(phys + at, Number(length - at < BigInt(PIECE) ? length - at : PIECE)));
    }
    done = start + length;
  }
  zeroes(hash, size - done);
  return hash.digest('hex');
}

function zeroes(hash: Hash, count: bigint): void {
  for (let left = count; left > 0n; left -= BigInt(PIECE)) {
    hash.update(left < BigInt(PIECE) ? ZEROES.subarray(0, Number(left)) : ZEROES);
  }
}
