import { hex, humanSize, isAligned, overlaps } from '../base/numbers.ts';
import { unionOf } from '../memory/intervals.ts';
import { isWithin, type Region, regionEnd } from '../memory/regions.ts';
import { EFAULT, logRefusal } from './boot-record.ts';
import { report } from './checks.ts';
import { earlyMemremap, MAPPING_WARNING } from './early-memremap.ts';
import { log, type Stage } from './events.ts';
import type { Kernel } from './kernel.ts';

const WHERE = 'scratch';
/** What a small kernel and its page tables need: one panics with 12 MiB (7.3, the kernel of test/kernel). */
const MIN_SCRATCH_BYTES = 16n << 20n;
/** Bytes of struct page on 64-bit kernels. */
const STRUCT_PAGE_BYTES = 64n;

/** The scratch regions that the receiver reads from the array. */
export class Scratch {
  /** In the order of the array. */
  readonly regions: readonly Region[];
  /** By ascending address, neighbours and overlaps merged. */
  readonly merged: readonly Region[];

  constructor(regions: readonly Region[]) {
    this.regions = regions;
    this.merged = unionOf(regions);
  }

  /** Index of the region that shares a byte with [start, end), or -1. */
  indexAt(start: bigint, end: bigint): number {
    const isShared = (region: Region) => start < regionEnd(region) && region.start < end;
    return this.merged.some(isShared) ? this.regions.findIndex(isShared) : -1;
  }
}

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
    yield logRefusal(kernel.receiver, EFAULT);
    return undefined;
  }
  if (arrayBytes(kernel) > mapped) {
    const text = `${scratchSize} bytes of scratch array are told, of which ${mapped} are mapped: the kernel faults as it reads them`;
    yield report('scratch-unmapped', { where: WHERE, text, outcome: 'dies' });
    return undefined;
  }
  yield log(`KHO: found kexec handover data.${kernel.receiver.foundSuffix}`);
  const scratch = new Scratch(readArray(kernel));
  if (yield* checkArray(kernel, scratch)) {
    yield* checkSize(kernel, scratch);
    yield* checkRegions(kernel, scratch);
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
      'the array is at 0, by which the kernel tells that there was none: it takes new scratch, and reads no map';
    yield report('scratch-array-null', { where: WHERE, text, outcome: 'undefined' });
  }
  if (!kernel.inRam(scratchAddr, scratchAddr + arrayBytes(kernel))) {
    const text = `the array at ${hex(scratchAddr)}-${hex(end)} is not in RAM`;
    yield report('scratch-array-outside-ram', { where: WHERE, text, outcome: 'undefined' });
    return false;
  }
  if (!kernel.inRam(scratchAddr, end)) {
    const text = `the array at ${hex(scratchAddr)}-${hex(end)} is not all in RAM: its length is cut to 32 bits twice, and the kernel reserves all that is behind it`;
    yield report('scratch-array-outside-ram', { where: WHERE, text });
  }
  if (!isWithin(scratch.regions, scratchAddr, end)) {
    const text = `the array at ${hex(scratchAddr)}-${hex(end)} is not inside scratch; the kernel reserves it all the same`;
    yield report('scratch-array-outside-scratch', { where: WHERE, text });
  }
  return true;
}

function* checkSize(kernel: Kernel, { regions }: Scratch): Stage {
  const total = regions.reduce((sum, { size }) => sum + size, 0n);
  if (total === 0n) {
    const text = 'no scratch region has any memory: the kernel finds nowhere to allocate, and panics early';
    yield report('scratch-none', { where: WHERE, text, outcome: 'dies' });
  } else if (total < leastScratch(kernel)) {
    const text = `scratch is ${humanSize(total)} in all: the kernel may not find room for itself and its memory map`;
    yield report('scratch-small', { where: WHERE, text, outcome: 'undefined' });
  }
}

/** The page structures of all RAM are allocated in scratch, but for receivers that extend it first. */
function leastScratch({ ram, receiver, pageSize }: Kernel): bigint {
  if (receiver.extendsScratch) return MIN_SCRATCH_BYTES;
  return MIN_SCRATCH_BYTES + (ram.reduce((sum, { size }) => sum + size, 0n) / pageSize) * STRUCT_PAGE_BYTES;
}

function* checkRegions(kernel: Kernel, { regions }: Scratch): Stage {
  const alignment = kernel.receiver.generation.scratchAlignment(kernel.target);
  for (const [i, { start, size }] of regions.entries()) {
    const where = `scratch[${i}]`;
    const text = `${hex(start)}-${hex(start + size)}`;
    if (size === 0n) {
      yield report('scratch-empty-entry', { where, text: `${where} at ${hex(start)} has size 0` });
      continue;
    }
    if (!isAligned(start, alignment) || !isAligned(size, alignment)) {
      const reason = `${text} is not made of blocks of ${humanSize(alignment)}: what shares a block with it becomes scratch too`;
      yield report('scratch-alignment', { where, text: reason });
    }
    if (!kernel.inRam(start, start + size)) {
      const reason = `${text} is not in RAM: the kernel adds it to its memory, and faults or loses data where it uses it`;
      yield report('scratch-outside-ram', { where, text: reason, outcome: 'undefined' });
    }
  }
  yield* checkOverlaps(regions);
}

function* checkOverlaps(regions: readonly Region[]): Stage {
  const ordered = regions.map((region, i) => ({ region, i })).filter(({ region }) => region.size > 0n);
  ordered.sort((a, b) => (a.region.start < b.region.start ? -1 : 1));
  for (const [at, { region, i }] of ordered.entries()) {
    const next = ordered[at + 1];
    if (!next || !overlaps(region.start, regionEnd(region), next.region.start, regionEnd(next.region)))
      continue;
    const text = `scratch[${i}] and scratch[${next.i}] share memory`;
    yield report('scratch-overlap-scratch', { where: `scratch[${i}]`, text });
  }
}
