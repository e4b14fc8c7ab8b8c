import { KhoforgeError } from '../base/errors.ts';
import { hex } from '../base/numbers.ts';
import { type Contents, MAX_HELD, ZEROES } from './contents.ts';
import { lowerBound } from './intervals.ts';
import type { Region } from './regions.ts';

/** Bytes at a physical address. */
export interface Extent {
  readonly start: bigint;
  readonly bytes: Uint8Array;
}

/** Contents at a physical address: `size` bytes of them from `offset` on. */
export interface Made {
  readonly start: bigint;
  readonly size: number;
  readonly contents: Contents;
  readonly offset: number;
}

/** What is mapped at an address: bytes that are held, or that are made when they are read. */
export type Piece = Extent | Made;

export const pieceSize = (piece: Piece): number => ('bytes' in piece ? piece.bytes.length : piece.size);
export const pieceEnd = (piece: Piece): bigint => piece.start + BigInt(pieceSize(piece));

/** What can be read like memory. */
export type Readable = Pick<PhysicalMemory, 'read'>;

/**
 * A sparse physical address space: sorted pieces that do not overlap. What no piece covers reads as zero.
 * Bytes given to `map` are used as they are, not copied.
 */
export class PhysicalMemory {
  readonly #all: Piece[] = [];
  #held: readonly Extent[] | undefined;
  readonly #lifetime: { isOver: boolean };

  /** @param owner memory whose bytes are mapped here too: both are closed together */
  constructor(owner?: PhysicalMemory) {
    this.#lifetime = owner === undefined ? { isOver: false } : owner.#lifetime;
  }

  /** All that is mapped, by ascending address. */
  get pieces(): readonly Piece[] {
    return this.#pieces;
  }

  /** The pieces whose bytes are held. */
  get extents(): readonly Extent[] {
    this.#held ??= this.#pieces.filter((piece) => 'bytes' in piece);
    return this.#lifetime.isOver ? this.#closed() : this.#held;
  }

  /** For when the bytes are taken away: nobody can use them then. */
  close(): void {
    this.#lifetime.isOver = true;
  }

  get #pieces(): Piece[] {
    return this.#lifetime.isOver ? this.#closed() : this.#all;
  }

  #closed(): never {
    throw new KhoforgeError('SOURCE_CLOSED', 'the memory of a source that was closed cannot be read', {
      hint: 'close a source after the last use of its image, and of what was extracted from it',
    });
  }

  /**
   * Puts `bytes` at `start` without copying: later writes go to the same bytes.
   * @throws KhoforgeError `MEMORY_OVERLAP` when something is mapped there
   */
  map(start: bigint, bytes: Uint8Array): void {
    this.#insert({ start, bytes });
  }

  /**
   * Puts contents at `start`, which are read when the memory is.
   * @throws KhoforgeError `MEMORY_OVERLAP` when something is mapped there
   */
  mapContents(start: bigint, size: number, contents: Contents, offset = 0): void {
    this.#insert({ start, size, contents, offset });
  }

  /**
   * Puts `size` bytes of contents from `offset` on at `start`, in place of what is mapped there. What they do not
   * reach is zero.
   */
  fill(start: bigint, size: number, contents: Contents, offset = 0): void {
    const own = Math.max(0, Math.min(size, contents.size - offset));
    if (contents.bytes) this.write(start, contents.bytes.subarray(offset, offset + own));
    else this.#replace({ start, size: own, contents, offset });
    const rest = { start: start + BigInt(own), size: size - own };
    if (rest.size > MAX_HELD) this.#replace({ ...rest, contents: ZEROES, offset: 0 });
    else this.write(rest.start, new Uint8Array(rest.size));
  }

  /** Maps what another memory has of a region: the same bytes, not a copy. */
  share(other: PhysicalMemory, { start, size }: Region): void {
    const end = start + size;
    const theirs = other.pieces;
    for (let i = firstEndingAfter(theirs, start); i < theirs.length; i++) {
      const piece = theirs[i];
      if (!piece || piece.start >= end) return;
      this.#insert(cut(piece, start, end));
    }
  }

  /** As `map` where nothing is mapped yet, else as `write`. */
  put(start: bigint, bytes: Uint8Array): void {
    const next = this.#pieces[firstEndingAfter(this.#pieces, start)];
    if (next && next.start < start + BigInt(bytes.length)) this.write(start, bytes);
    else this.map(start, bytes);
  }

  /** Writes over what is mapped and maps what is not. */
  write(start: bigint, bytes: Uint8Array): void {
    let done = 0;
    while (done < bytes.length) {
      const at = start + BigInt(done);
      const piece = this.#pieces[firstEndingAfter(this.#pieces, at)];
      const rest = bytes.length - done;
      let length = rest;
      if (piece && piece.start <= at) {
        const offset = Number(at - piece.start);
        length = Math.min(rest, pieceSize(piece) - offset);
        const part = bytes.subarray(done, done + length);
        if ('bytes' in piece) piece.bytes.set(part, offset);
        else this.#replace({ start: at, bytes: Uint8Array.from(part) });
      } else {
        length = piece ? Math.min(Number(piece.start - at), rest) : rest;
        this.map(at, Uint8Array.prototype.slice.call(bytes, done, done + length));
      }
      done += length;
    }
  }

  /** A copy of `length` bytes at `start`; what is not mapped reads as zero. */
  read(start: bigint, length: number): Uint8Array {
    const result = new Uint8Array(length);
    const end = start + BigInt(length);
    for (let i = firstEndingAfter(this.#pieces, start); i < this.#pieces.length; i++) {
      const piece = this.#pieces[i];
      if (!piece || piece.start >= end) break;
      const part = cut(piece, start, end);
      if (!isZero(part)) result.set(bytesOf(part), Number(part.start - start));
    }
    return result;
  }

  /** As `read`, of what may be more than is looked at. */
  readAhead(start: bigint, length: number): Uint8Array {
    return this.read(start, length);
  }

  /** Where memory that is mapped at `address`, and is zero, ends, as far as that is known without reading. */
  zeroUntil(address: bigint): bigint {
    const piece = this.#pieces[firstEndingAfter(this.#pieces, address)];
    if (!piece || piece.start > address || 'bytes' in piece) return address;
    const { offset, size, contents } = piece;
    const at = offset + Number(address - piece.start);
    return address + BigInt(Math.min(contents.zeroUntil(at), offset + size) - at);
  }

  /** The bytes of contents in [start, start + length), as extents; those that are zero share theirs. */
  made(start: bigint, length: number): Extent[] {
    const end = start + BigInt(length);
    const extents: Extent[] = [];
    const { pieces } = this;
    for (let i = firstEndingAfter(pieces, start); i < pieces.length; i++) {
      const piece = pieces[i];
      if (!piece || piece.start >= end) break;
      if ('bytes' in piece) continue;
      const part = cut(piece, start, end);
      const bytes =
        isZero(part) && part.size <= SHARED.length ? SHARED.subarray(0, part.size) : bytesOf(part);
      extents.push({ start: part.start, bytes });
    }
    return extents;
  }

  /** Whether all of [start, start + length) is mapped. */
  covers(start: bigint, length: number): boolean {
    const end = start + BigInt(length);
    let at = start;
    while (at < end) {
      const piece = this.#pieces[firstEndingAfter(this.#pieces, at)];
      if (!piece || piece.start > at) return false;
      at = pieceEnd(piece);
    }
    return true;
  }

  /**
   * Whether all of [start, start + length) is mapped, asked by one who would read what a preserved folio holds: user
   * data, not the handover's own structures. A capture leaves that behind.
   */
  hasContents(start: bigint, length: number): boolean {
    return this.covers(start, length);
  }

  #insert(piece: Piece): void {
    const size = pieceSize(piece);
    if (size === 0) return;
    const { start } = piece;
    const end = pieceEnd(piece);
    const index = firstEndingAfter(this.#pieces, start);
    const next = this.#pieces[index];
    if (start < 0n || end > 1n << 64n) {
      throw new KhoforgeError('MEMORY_RANGE', `${hex(start)} + ${size} bytes is beyond 64 bits`, {
        where: { phys: start },
      });
    }
    if (next && next.start < end) {
      throw new KhoforgeError('MEMORY_OVERLAP', `${hex(start)}-${hex(end)} is mapped at ${hex(next.start)}`, {
        where: { phys: start },
      });
    }
    this.#splice(index, 0, [piece]);
  }

  /** Maps a piece in place of what is mapped there; of a piece that is there in part the rest stays. */
  #replace(piece: Piece): void {
    const { start } = piece;
    const end = pieceEnd(piece);
    if (end === start) return;
    const first = firstEndingAfter(this.#pieces, start);
    const rest: Piece[] = [];
    let last = first;
    for (let old = this.#pieces[last]; old && old.start < end; old = this.#pieces[++last]) {
      if (old.start < start) rest.push(cut(old, old.start, start));
      if (pieceEnd(old) > end) rest.push(cut(old, end, pieceEnd(old)));
    }
    this.#splice(first, last - first, rest);
    this.#insert(piece);
  }

  #splice(index: number, count: number, pieces: readonly Piece[]): void {
    this.#pieces.splice(index, count, ...pieces);
    this.#held = undefined;
  }
}

/** Index of the first piece whose end is above `address`. */
function firstEndingAfter(pieces: readonly Piece[], address: bigint): number {
  return lowerBound(pieces.length, (i) => {
    const piece = pieces[i];
    return piece !== undefined && pieceEnd(piece) > address;
  });
}

/** Zeroes that are only read. */
const SHARED = new Uint8Array(1 << 16);

const isZero = (piece: Piece): boolean =>
  !('bytes' in piece) && piece.contents.zeroUntil(piece.offset) >= piece.offset + piece.size;

const bytesOf = (piece: Piece): Uint8Array =>
  'bytes' in piece ? piece.bytes : piece.contents.read(piece.offset, piece.size);

/** The part of a piece that is in [start, end), which it shares bytes with. */
function cut(piece: Extent, start: bigint, end: bigint): Extent;
function cut(piece: Made, start: bigint, end: bigint): Made;
function cut(piece: Piece, start: bigint, end: bigint): Piece;
function cut(piece: Piece, start: bigint, end: bigint): Piece {
  const skip = start > piece.start ? Number(start - piece.start) : 0;
  const size = Math.min(pieceSize(piece), Number(end - piece.start)) - skip;
  const at = piece.start + BigInt(skip);
  if ('bytes' in piece) return { start: at, bytes: piece.bytes.subarray(skip, skip + size) };
  return { start: at, size, contents: piece.contents, offset: piece.offset + skip };
}
