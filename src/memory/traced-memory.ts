import { type Extent, PhysicalMemory, type Piece } from './physical-memory.ts';
import type { Region } from './regions.ts';

/** Reads another memory and remembers what was read. It has no contents of folios, so that none is read. */
export class TracedMemory extends PhysicalMemory {
  readonly #memory: PhysicalMemory;
  readonly #read: Region[] = [];

  constructor(memory: PhysicalMemory) {
    super();
    this.#memory = memory;
  }

  override get pieces(): readonly Piece[] {
    return this.#memory.pieces;
  }

  override get extents(): readonly Extent[] {
    return this.#memory.extents;
  }

  override read(start: bigint, length: number): Uint8Array {
    this.#read.push({ start, size: BigInt(length) });
    return this.#memory.read(start, length);
  }

  override covers(start: bigint, length: number): boolean {
    return this.#memory.covers(start, length);
  }

  override hasContents(): boolean {
    return false;
  }

  /** Every range that was read, in the order of reading. */
  get reads(): readonly Region[] {
    return this.#read;
  }
}
