import { ARCHITECTURES } from '../arch/architectures.ts';
import { hex, humanSize, maxOf, minOf } from '../base/numbers.ts';
import { lowerBound, unionOf } from '../memory/intervals.ts';
import type { Preserved } from '../memory/preserved.ts';
import { isWithin, type Region, regionEnd } from '../memory/regions.ts';
import { EFAULT, giveUp } from './boot-record.ts';
import { report } from './checks.ts';
import { earlyMemremap, MAPPING_WARNING, readsOutside } from './early-memremap.ts';
import { earlyUse, STRUCT_PAGE_BYTES } from './early-use.ts';
import { log, type Stage } from './events.ts';
import type { Kernel } from './kernel.ts';
import { isExtended } from './scratch-extension.ts';
import { checkRegions } from './scratch-regions.ts';

const WHERE = 'scratch';
/** What a small kernel and its page tables need: one panics with 12 MiB (7.3, the kernel of test/kernel). */
const MIN_SCRATCH_BYTES = 16n << 20n;

const NOWHERE: Region = { start: 0n, size: 0n };

/** The scratch regions that the receiver reads from the array. */
export class Scratch {
  /** In the order of the array. */
  readonly regions: readonly Region[];
  /** By ascending address, neighbours and overlaps merged. */
  readonly merged: readonly Region[];
  /** What the receiver may write to before it reads what was handed over; not all of it is scratch. */
  readonly early: readonly Region[];

  constructor(regions: readonly Region[], kernel: Kernel) {
    this.regions = regions;
    this.merged = unionOf(regions);
    this.early = earlyUse(kernel, this.merged);
  }

  /** Whether what is in [start, end) may be overwritten before it is read. */
  mayBeTaken(start: bigint, end: bigint): boolean {
    return this.early.some((region) => start < regionEnd(region) && region.start < end);
  }

  /**
   * Whether free memory of scratch is given out like any other: only what can move is, and only where scratch is half of
   * all that is free (__rmqueue(), mm/page_alloc.c, 7.3). Taken for so from a quarter of RAM on.
   */
  isMostOfRam({ ram }: Kernel): boolean {
    const sum = (regions: readonly Region[]) => regions.reduce((bytes, { size }) => bytes + size, 0n);
    return 4n * sum(this.merged) >= sum(ram);
  }

  /** Index of the region that shares a byte with [start, end), or -1. */
  indexAt(start: bigint, end: bigint): number {
    const isShared = (region: Region) => start < regionEnd(region) && region.start < end;
    const first = lowerBound(this.merged.length, (i) => regionEnd(this.merged[i] ?? NOWHERE) > start);
    const merged = this.merged[first];
    return merged && isShared(merged) ? this.regions.findIndex(isShared) : -1;
  }
}

/**
 * What is in scratch is lost where the kernel allocates first; and memblock_add_range() warns where it is to reserve what it
 * has allocated (mm/memblock.c, 6.18 to 7.3).
 */
export const whereTaken = (scratch: Scratch, start: bigint, end: bigint): { outcome?: 'undefined' } =>
  scratch.mayBeTaken(start, end) ? { outcome: 'undefined' } : {};

/** The entries as kho_populate() counts them, in 32 bits: a partial one at the end is dropped without a word (KH, 7.3). */
function readArray(kernel: Kernel): Region[] {
  const { scratchAddr } = kernel.image.bootRecord;
  const size = arrayBytes(kernel);
  if (!kernel.inRam(scratchAddr, scratchAddr + size)) return [];
  const bytes = kernel.read(scratchAddr, Number(size));
  const entry = entrySize(kernel);
  return Array.from({ length: bytes.length / entry }, (_, i) => {
    const one = bytes.subarray(i * entry, (i + 1) * entry);
    const { addr, size } = kernel.target.abi.struct('kho_scratch').decode(one);
    // memblock_cap_size() ends what would wrap (mm/memblock.c, 7.3).
    const room = (1n << 64n) - 1n - addr;
    return { start: addr, size: size < room ? size : room };
  });
}

function arrayBytes(kernel: Kernel): bigint {
  const entry = BigInt(entrySize(kernel));
  return BigInt.asUintN(32, kernel.image.bootRecord.scratchSize / entry) * entry;
}

const entrySize = ({ target }: Kernel) => target.abi.struct('kho_scratch').size;

/** The second half of kho_populate(). @returns undefined when the kernel refuses here */
export function* readScratch(kernel: Kernel): Stage<Scratch | undefined> {
  const { scratchAddr, scratchSize } = kernel.image.bootRecord;
  const mapped = earlyMemremap(kernel, scratchAddr, scratchSize);
  if (mapped === undefined) {
    yield MAPPING_WARNING;
    yield report('scratch-unmapped', {
      where: WHERE,
      text: `the boot record tells ${scratchSize} bytes of scratch array, which cannot be mapped: a kernel warning, and the kernel boots as if there were no KHO`,
      line: `KHO: setup: failed to memremap scratch (phys=${hex(scratchAddr)}, len=${BigInt.asIntN(64, scratchSize)})`,
      errno: '-EFAULT',
      outcome: 'broken',
    });
    yield* giveUp(kernel, EFAULT);
    return undefined;
  }
  if (arrayBytes(kernel) > mapped) {
    const text = `${scratchSize} bytes of scratch array are told, of which ${mapped} are mapped: the kernel faults as it reads them`;
    yield report('scratch-unmapped', { where: WHERE, text, outcome: 'dies' });
    return undefined;
  }
  if (!kernel.inRam(scratchAddr, scratchAddr + mapped) && !readsOutside(kernel, scratchAddr)) {
    const text = `the scratch array at ${hex(scratchAddr)} is not in RAM: what the kernel reads there, if it reads, is not known`;
    yield report('scratch-array-outside-ram', { where: WHERE, text, outcome: 'undefined' });
    return undefined;
  }
  yield log(`KHO: found kexec handover data.${kernel.receiver.foundSuffix}`);
  const scratch = new Scratch(readArray(kernel), kernel);
  if (yield* checkArray(kernel, scratch)) {
    yield* checkNone(kernel, scratch);
    yield* checkRegions(kernel, scratch.regions);
  }
  return scratch;
}

/** @returns whether the entries can be known */
function* checkArray(kernel: Kernel, scratch: Scratch): Stage<boolean> {
  const { scratchAddr, scratchSize } = kernel.image.bootRecord;
  const end = scratchAddr + scratchSize;
  const partial = scratchSize % BigInt(entrySize(kernel));
  if (partial !== 0n) {
    const text = `the array has ${scratchSize} bytes: the last ${partial} are no whole entry, and dropped`;
    yield report('scratch-array-partial', { where: WHERE, text });
  }
  if (scratchAddr === 0n) {
    const text =
      'the array is at 0, by which the kernel tells that there was none: it reads no map, finds no scratch, and panics early';
    yield report('scratch-array-null', { where: WHERE, text, outcome: 'dies' });
  }
  if (!kernel.inRam(scratchAddr, scratchAddr + arrayBytes(kernel))) {
    // Where there is nothing, zeroes or ones are read: no region is in RAM.
    const isNowhere = scratchAddr >= ARCHITECTURES[kernel.target.arch].lowestPreserved;
    const text = `the array at ${hex(scratchAddr)}-${hex(end)} is not in RAM: the kernel finds no scratch, and panics early`;
    const outcome = isNowhere ? 'dies' : 'undefined';
    yield report('scratch-array-outside-ram', { where: WHERE, text, outcome });
    return false;
  }
  if (!kernel.inRam(scratchAddr, end)) {
    const text = `the array at ${hex(scratchAddr)}-${hex(end)} is not all in RAM: its length is cut to 32 bits twice, and the kernel reserves all that is behind it`;
    yield report('scratch-array-outside-ram', { where: WHERE, text });
  }
  // Up to the end of its page there are zeroes, as kexec_file_load() leaves them; behind that is what was there.
  const inPage = scratchAddr % kernel.pageSize < kernel.pageSize - arrayBytes(kernel);
  if (!inPage && !kernel.image.memory.covers(scratchAddr, Number(arrayBytes(kernel)))) {
    const text = `the array at ${hex(scratchAddr)}-${hex(end)} is longer than what stands there: what the kernel takes for regions is not known`;
    yield report('scratch-array-partial', { where: WHERE, text, outcome: 'undefined' });
  }
  if (!isWithin(scratch.regions, scratchAddr, end)) {
    const text = `the array at ${hex(scratchAddr)}-${hex(end)} is not inside scratch; the kernel reserves it all the same`;
    yield report('scratch-array-outside-scratch', { where: WHERE, text });
  }
  return true;
}

/** Scratch that is left once kho_populate() has reserved the array, by the length that is told of it (KH, 6.18 to 7.3). */
function roomIn({ image, pageSize }: Kernel, regions: readonly Region[]): bigint {
  const { scratchAddr, scratchSize } = image.bootRecord;
  // Of the usual array nothing is known to be missed.
  const end = scratchSize > pageSize ? scratchAddr + scratchSize : scratchAddr;
  return regions.reduce((sum, region) => {
    const taken = minOf(end, regionEnd(region)) - maxOf(scratchAddr, region.start);
    return sum + region.size - (taken > 0n ? taken : 0n);
  }, 0n);
}

function* checkNone(kernel: Kernel, { regions }: Scratch): Stage {
  if (roomIn(kernel, regions) > 0n) return;
  const text =
    'no scratch region has any memory that is not reserved: the kernel finds nowhere to allocate, and panics early';
  yield report('scratch-none', { where: WHERE, text, outcome: 'dies' });
}

/** What is not enough shows before the map is read, or as it is. */
export function* checkScratchSize(kernel: Kernel, { regions }: Scratch, preserved: Preserved): Stage {
  const total = roomIn(kernel, regions);
  if (total === 0n || total >= leastScratch(kernel, preserved)) return;
  const text = `scratch is ${humanSize(total)} in all: the kernel may not find room for itself and its memory map`;
  yield report('scratch-small', { where: WHERE, text, outcome: 'undefined' });
}

/** The page structures of all RAM are allocated in scratch, but where that is extended first. */
function leastScratch(kernel: Kernel, preserved: Preserved): bigint {
  if (isExtended(kernel, preserved)) return MIN_SCRATCH_BYTES;
  const ram = kernel.ram.reduce((sum, { size }) => sum + size, 0n);
  return MIN_SCRATCH_BYTES + (ram / kernel.pageSize) * STRUCT_PAGE_BYTES;
}
