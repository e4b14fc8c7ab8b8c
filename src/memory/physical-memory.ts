import { KhoforgeError } from '../base/errors.ts';
import { hex, minOf } from '../base/numbers.ts';
import { lowerBound } from './intervals.ts';

/** Bytes at a physical address. */
export interface Extent {
  readonly start: bigint;
  readonly bytes: Uint8Array;
}

/** What can be read like memory. */
export type Readable = Pick<PhysicalMemory, 'read'>;

/**
 * A sparse physical address space: sorted extents that do not overlap. What no extent covers reads as zero.
 * Extents given to `map` are used as they are, not copied.
 */
export class PhysicalMemory {
  readonly #all: Extent[] = [];
  readonly #lifetime: { isOver: boolean };

  /** @param owner memory whose bytes are mapped here too: both are closed together */
  constructor(owner?: PhysicalMemory) {
    this.#lifetime = owner === undefined ? { isOver: false } : owner.#lifetime;
  }

  /** The extents, by ascending address. */
  get extents(): readonly Extent[] {
    return this.#extents;
  }

  /** For when the bytes are taken away: nobody can use them then. */
  close(): void {
    this.#lifetime.isOver = true;
  }

  get #extents(): Extent[] {
    if (!this.#lifetime.isOver) return this.#all;
    throw new KhoforgeError('SOURCE_CLOSED', 'the memory of a source that was closed cannot be read', {
      hint: 'close a source after the last use of its image, and of what was extracted from it',
    });
  }

  /**
   * Puts `bytes` at `start` without copying: later writes go to the same bytes.
   * @throws KhoforgeError `MEMORY_OVERLAP` when something is mapped there
   */
  map(start: bigint, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const index = this.#firstEndingAfter(start);
    const next = this.#extents[index];
    const end = start + BigInt(bytes.length);
    if (start < 0n || end > 1n << 64n) {
      throw new KhoforgeError('MEMORY_RANGE', `${hex(start)} + ${bytes.length} bytes is beyond 64 bits`, {
        where: { phys: start },
      });
    }
    if (next && next.start < end) {
      throw new KhoforgeError('MEMORY_OVERLAP', `${hex(start)}-${hex(end)} is mapped at ${hex(next.start)}`, {
        where: { phys: start },
      });
    }
    this.#extents.splice(index, 0, { start, bytes });
  }

  /** As `map` where nothing is mapped yet, else as `write`. */
  put(start: bigint, bytes: Uint8Array): void {
    const next = this.#extents[this.#firstEndingAfter(start)];
    if (next && next.start < start + BigInt(bytes.length)) this.write(start, bytes);
    else this.map(start, bytes);
  }

  /** Writes over what is mapped and maps what is not. */
  write(start: bigint, bytes: Uint8Array): void {
    let done = 0;
    while (done < bytes.length) {
      const at = start + BigInt(done);
      const extent = this.#extents[this.#firstEndingAfter(at)];
      const rest = bytes.length - done;
      if (extent && extent.start <= at) {
        const offset = Number(at - extent.start);
        const length = Math.min(rest, extent.bytes.length - offset);
        extent.bytes.set(bytes.subarray(done, done + length), offset);
        done += length;
      } else {
        const gap = extent ? Number(minOf(extent.start - at, BigInt(rest))) : rest;
        this.map(at, Uint8Array.prototype.slice.call(bytes, done, done + gap));
        done += gap;
      }
    }
  }

  /** A copy of `length` bytes at `start`; what is not mapped reads as zero. */
  read(start: bigint, length: number): Uint8Array {
    const result = new Uint8Array(length);
    const end = start + BigInt(length);
    for (let i = this.#firstEndingAfter(start); i < this.#extents.length; i++) {
      const extent = this.#extents[i];
      if (!extent || extent.start >= end) break;
      const from = extent.start > start ? extent.start : start;
      const offset = Number(from - extent.start);
      const room = Number(end - from);
      result.set(extent.bytes.subarray(offset, offset + room), Number(from - start));
    }
    return result;
  }

  /** Whether all of [start, start + length) is mapped. */
  covers(start: bigint, length: number): boolean {
    const end = start + BigInt(length);
    let at = start;
    while (at < end) {
      const extent = this.#extents[this.#firstEndingAfter(at)];
      if (!extent || extent.start > at) return false;
      at = extent.start + BigInt(extent.bytes.length);
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

  /** Index of the first extent whose end is above `address`. */
  #firstEndingAfter(address: bigint): number {
    return lowerBound(this.#extents.length, (i) => {
      const extent = this.#extents[i];
      return extent !== undefined && extent.start + BigInt(extent.bytes.length) > address;
    });
  }
}
