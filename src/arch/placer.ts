import { KhoforgeError } from '../base/errors.ts';
import { alignDown, alignUp, hex, humanSize, overlaps } from '../base/numbers.ts';
import type { Machine } from '../memory/machine.ts';
import { pieceSize } from '../memory/physical-memory.ts';
import { type PlaceRequest, placeSegment } from '../memory/place-segment.ts';
import { isWithin, type Region, regionEnd } from '../memory/regions.ts';
import type { Image } from '../model/image.ts';

/** One thing that is in memory when the kernel starts, beside what the producer preserved. */
export interface Segment {
  readonly name:
    | 'scratch array'
    | 'purgatory'
    | 'entry stub'
    | 'boot parameters'
    | 'kernel'
    | 'initrd'
    | 'device tree';
  readonly start: bigint;
  /** Bytes of memory it takes; a kernel takes more than its bytes. */
  readonly size: bigint;
  /** The rule that put it there, for people. */
  readonly why: string;
  /** Empty for the scratch array, which the image holds, and the purgatory, which is not needed. */
  readonly bytes: Uint8Array;
}

/** `bottomUp`: from the start of each scratch region, not from its end. */
export type Limits = Pick<PlaceRequest, 'min' | 'max' | 'align'> & { readonly bottomUp?: boolean };
export type Placed = Region & { readonly why: string };

/** Scratch, and what is placed in it so far. */
export class Placer {
  readonly #image: Image;
  #occupied: Region[];

  constructor(image: Image, machine: Machine) {
    this.#image = image;
    // The scratch array, and whatever a deliberately wrong image has in scratch: that is to reach the kernel too.
    // After a kexec no firmware runs; here what is loaded where it works would be lost.
    this.#occupied = image.memory.pieces
      .map((piece) => wholePages(piece.start, BigInt(pieceSize(piece)), BigInt(image.target.pageSize)))
      .filter((extent) => image.scratch.some((area) => regionsOverlap(area, extent)))
      .concat(machine.scribbled);
  }

  /** The scratch array, when it is where a kernel puts it. */
  get array(): Segment[] {
    const { scratchAddr: start, scratchSize: size } = this.#image.bootRecord;
    if (!isWithin(this.#image.scratch, start, start + size)) return [];
    return [{ name: 'scratch array', start, size, why: 'part of the handover', bytes: new Uint8Array(0) }];
  }

  /** @throws KhoforgeError `KEXEC_NO_ROOM` where the kernel returns -EADDRNOTAVAIL */
  place(name: Segment['name'], size: bigint, limits: Limits): Placed {
    const placed = this.tryPlace(size, limits);
    if (placed === undefined) throw this.#noRoom(name, size, limits);
    return placed;
  }

  /** As `place`; undefined where the kernel returns -EADDRNOTAVAIL. */
  tryPlace(size: bigint, { bottomUp = false, ...limits }: Limits): Placed | undefined {
    const { scratch, target } = this.#image;
    const { pageSize } = target;
    const occupied = this.#occupied;
    const at = placeSegment({ scratch, occupied, memsz: size, topDown: !bottomUp, pageSize, ...limits });
    if (at === undefined) return undefined;
    this.#occupied.push(wholePages(at, size, BigInt(pageSize)));
    const entry = scratch.findIndex((area) => isWithin([area], at, at + size));
    const where = bottomUp ? 'lowest' : 'highest';
    return { start: at, size, why: `${where} place in scratch[${entry}]${describeLimits(limits)}` };
  }

  /** Runs something that places, and takes its places back when it gives undefined. */
  attempt<T>(run: () => T | undefined): T | undefined {
    const before = [...this.#occupied];
    const result = run();
    if (result === undefined) this.#occupied = before;
    return result;
  }

  /** A place that is not searched for. @throws KhoforgeError `KEXEC_NO_ROOM` when scratch does not have it free */
  fix(name: string, region: Region, why: string): Placed {
    const inScratch = isWithin(this.#image.scratch, region.start, regionEnd(region));
    if (!inScratch || this.#occupied.some((taken) => regionsOverlap(taken, region))) {
      const place = `${hex(region.start)}-${hex(regionEnd(region))}`;
      const message = `${name} is not relocatable: scratch must hold ${place} (${humanSize(region.size)}) for it`;
      throw this.#error(message, `add a scratch region over ${place}, or build with CONFIG_RELOCATABLE=y`);
    }
    this.#occupied.push(region);
    return { ...region, why };
  }

  #noRoom(name: string, size: bigint, limits: Limits): KhoforgeError {
    const message = `no room in scratch for the ${name}: ${humanSize(size)} (${hex(size)})${describeLimits(limits)}`;
    return this.#error(message, 'enlarge `scratch` in the spec');
  }

  #error(message: string, hint: string): KhoforgeError {
    const areas = this.#image.scratch.map((area) => `${hex(area.start)}-${hex(regionEnd(area))}`).join(', ');
    const text = `${message}; scratch is ${areas || 'empty'}; kexec_file_load() would return -EADDRNOTAVAIL`;
    return new KhoforgeError('KEXEC_NO_ROOM', text, { where: { spec: 'scratch' }, hint });
  }
}

function describeLimits({ min, max, align }: Omit<Limits, 'bottomUp'>): string {
  const parts = [
    align === undefined ? '' : `, aligned to ${hex(align)}`,
    min === undefined ? '' : `, from ${hex(min)}`,
    max === undefined ? '' : `, to ${hex(max)}`,
  ];
  return parts.join('');
}

function wholePages(start: bigint, size: bigint, page: bigint): Region {
  const from = alignDown(start, page);
  return { start: from, size: alignUp(start + size, page) - from };
}

function regionsOverlap(a: Region, b: Region): boolean {
  return overlaps(a.start, regionEnd(a), b.start, regionEnd(b));
}
