import { type Extent, PhysicalMemory, type Piece } from './physical-memory.ts';
import { type Region, regionEnd } from './regions.ts';

/** Another memory, which tells when something is read of what is watched. */
export class WatchedMemory extends PhysicalMemory {
  readonly #memory: PhysicalMemory;
  readonly #watched: readonly Region[];
  readonly #foreign: readonly Region[];
  #read: Region | undefined;

  /** @param foreign what is watched as well, where the memory has nothing */
  constructor(memory: PhysicalMemory, watched: readonly Region[], foreign: readonly Region[] = []) {
    super();
    this.#memory = memory;
    this.#watched = watched;
    this.#foreign = foreign;
  }

  override get pieces(): readonly Piece[] {
    return this.#memory.pieces;
  }

  override get extents(): readonly Extent[] {
    return this.#memory.extents;
  }

  override read(start: bigint, length: number): Uint8Array {
    const end = start + BigInt(length);
    const isIn = (region: Region) => region.start < end && start < regionEnd(region);
    if (this.#watched.some(isIn) || (this.#foreign.some(isIn) && !this.#memory.covers(start, length))) {
      this.#read ??= { start, size: BigInt(length) };
    }
    return this.#memory.read(start, length);
  }

  override readAhead(start: bigint, length: number): Uint8Array {
    return this.#memory.read(start, length);
  }

  override covers(start: bigint, length: number): boolean {
    return this.#memory.covers(start, length);
  }

  override zeroUntil(address: bigint): bigint {
    return this.#memory.zeroUntil(address);
  }

  override made(start: bigint, length: number): Extent[] {
    return this.#memory.made(start, length);
  }

  override hasContents(start: bigint, length: number): boolean {
    return this.#memory.hasContents(start, length);
  }

  /** The first that was read of what is watched, so far. */
  get touched(): Region | undefined {
    return this.#read;
  }
}
