import { alignDown } from '../base/numbers.ts';
import { PhysicalMemory } from './physical-memory.ts';
import { isWithin, type Region } from './regions.ts';

/** Bytes that are fetched at a time. */
const PIECE = 4096n;

/** Memory that cannot be mapped: what is asked for is fetched once and kept. Its extents are what was asked for so far. */
export class FetchedMemory extends PhysicalMemory {
  readonly #regions: readonly Region[];
  readonly #fetch: (start: bigint, length: number) => Uint8Array;

  /**
   * @param regions what there is, by ascending address
   * @param fetch reads bytes of one region
   */
  constructor(regions: readonly Region[], fetch: (start: bigint, length: number) => Uint8Array) {
    super();
    this.#regions = regions;
    this.#fetch = fetch;
  }

  override read(start: bigint, length: number): Uint8Array {
    this.#need(start, length);
    return super.read(start, length);
  }

  /** What is around the bytes is fetched first: a piece is kept as a whole. */
  override write(start: bigint, bytes: Uint8Array): void {
    this.#need(start, bytes.length);
    super.write(start, bytes);
  }

  /** Bytes of one region that are fetched and not kept; none where they are not all there. */
  peek(start: bigint, length: number): Uint8Array {
    const there = isWithin(this.#regions, start, start + BigInt(length));
    return there ? this.#fetch(start, length) : new Uint8Array();
  }

  override covers(start: bigint, length: number): boolean {
    if (!isWithin(this.#regions, start, start + BigInt(length))) return false;
    this.#need(start, length);
    return super.covers(start, length);
  }

  /** What folios hold is fetched only by those who `read` it. */
  override hasContents(): boolean {
    return false;
  }

  #need(start: bigint, length: number): void {
    const end = start + BigInt(length);
    for (const region of this.#regions) {
      const last = region.start + region.size;
      const from = region.start > start ? region.start : start;
      const to = last < end ? last : end;
      for (let at = alignDown(from, PIECE); at < to; at += PIECE) this.#piece(region, at);
    }
  }

  #piece(region: Region, at: bigint): void {
    const skip = Math.max(0, Number(region.start - at));
    const rest = Math.min(Number(PIECE), Number(region.start + region.size - at));
    const from = at + BigInt(skip);
    if (super.covers(from, rest - skip)) return;
    this.map(from, Uint8Array.from(this.#fetch(from, rest - skip)));
  }
}
