import { type Extent, PhysicalMemory, type Piece } from './physical-memory.ts';
import { type Region, regionEnd } from './regions.ts';

/** Another memory, which tells when something is read of what is watched. */
export class WatchedMemory extends PhysicalMemory {
  readonly #memory: PhysicalMemory;
  readonly #watched: readonly Region[];
  #read: Region | undefined;

  constructor(memory: PhysicalMemory, watched: readonly Region[]) {
    super();
    this.#memory = memory;
    this.#watched = watched;
  }

  override get pieces(): readonly Piece[] {
    return this.#memory.pieces;
  }

  override get extents(): readonly Extent[] {
    return this.#memory.extents;
  }

  override read(start: bigint, length: number): Uint8Array {
    const end = start + BigInt(length);
    if (this.#watched.some((region) => region.start < end && start < regionEnd(region))) {
      this.#read ??= { start, size: BigInt(length) };
    }
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
