import type { Target } from '../abi/target.ts';
import { isAligned, overlaps } from '../base/numbers.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { placeSegment } from '../memory/place-segment.ts';
import { isWithin, type Region, regionEnd } from '../memory/regions.ts';
import type { FoundRecord } from './boot-records.ts';

/** A scratch array that was found, and where. */
export interface FoundScratch {
  readonly regions: readonly Region[];
  /** Address of its bytes, or what else tells it. */
  readonly from: bigint | string;
  /** Whether it is where the boot record says. */
  readonly inPlace: boolean;
}

/** Nodes that Linux can have (CONFIG_NODES_SHIFT up to 10), lowmem and global. */
const MOST_ENTRIES = 1026;
/** No scratch region starts at less on any target (CMA_MIN_ALIGNMENT_BYTES). */
const ALIGNMENT = 2n << 20n;
/** No machine has memory above: 52 bits of physical address. */
const LIMIT = 1n << 52n;

/**
 * The scratch array of a boot record. Before the jump it is not at its address yet, but in a page of the loaded kexec
 * image and in the kernel's own kho_scratch (6.2 of docs/kho-facts.md), which a scan found.
 * @param pages addresses where something like an array begins
 */
export function findScratch(
  memory: PhysicalMemory,
  target: Target,
  record: FoundRecord | undefined,
  pages: readonly bigint[],
): FoundScratch | undefined {
  const count = record && Number(record.scratchSize) / entrySize(target);
  if (record && count && count <= MOST_ENTRIES) {
    const regions = entries(memory, target, record.scratchAddr, Math.floor(count));
    if (isArray(regions, record)) return { regions, from: record.scratchAddr, inPlace: true };
  }
  const found = pages.flatMap((phys): FoundScratch[] => {
    const all = entries(memory, target, phys, Math.floor(count ?? MOST_ENTRIES));
    const regions = count === undefined ? all.slice(0, used(all)) : all;
    return isArray(regions, record) ? [{ regions, from: phys, inPlace: false }] : [];
  });
  // A dump may lack free memory, and with it scratch; where it does not, what it lacks is no scratch.
  return found.find(({ regions }) => isPresent(memory, regions)) ?? found[0];
}

function isPresent(memory: PhysicalMemory, regions: readonly Region[]): boolean {
  const filled = regions.filter(({ size }) => size > 0n);
  return filled.every((region) => memory.covers(region.start, 1) && memory.covers(regionEnd(region) - 1n, 1));
}

const entrySize = (target: Target) => target.abi.struct('kho_scratch').size;

function entries(memory: PhysicalMemory, target: Target, phys: bigint, count: number): Region[] {
  const entry = entrySize(target);
  const bytes = memory.read(phys, Math.min(count, MOST_ENTRIES) * entry);
  return Array.from({ length: bytes.length / entry }, (_, i) => {
    const { addr, size } = target.abi
      .struct('kho_scratch')
      .decode(bytes.subarray(i * entry, (i + 1) * entry));
    return { start: addr, size };
  });
}

/** Entries before the first that is all zero: a region without memory still has an address (4.3.9). */
function used(regions: readonly Region[]): number {
  const end = regions.findIndex(({ start, size }) => start === 0n && size === 0n);
  return end < 0 ? regions.length : end;
}

/**
 * Regions that a kernel could have, one of which has the record's array, as kexec_file_load() places it. Memory at 0
 * is nobody's scratch: memblock gives none of it out.
 */
function isArray(regions: readonly Region[], record: FoundRecord | undefined): boolean {
  const filled = regions.filter(({ size }) => size > 0n);
  if (filled.length === 0) return false;
  const good = filled.every(
    ({ start, size }) => start > 0n && isAligned(start, ALIGNMENT) && size < LIMIT && start < LIMIT,
  );
  const apart = filled.every((region, i) =>
    filled.every(
      (other, j) => i >= j || !overlaps(region.start, regionEnd(region), other.start, regionEnd(other)),
    ),
  );
  if (!good || !apart) return false;
  return !record || isWithin(filled, record.scratchAddr, record.scratchAddr + record.scratchSize);
}

/** Where kexec_file_load() would put the array: its first segment (kho_fill_kimage(), 7.3). */
export function scratchArrayPlace(regions: readonly Region[], target: Target): bigint | undefined {
  return placeSegment({
    scratch: regions,
    occupied: [],
    memsz: BigInt(regions.length * entrySize(target)),
    align: 64n << 10n,
    topDown: true,
    pageSize: target.pageSize,
  });
}

export function scratchArrayBytes(regions: readonly Region[], target: Target): Uint8Array {
  return Buffer.concat(
    regions.map(({ start, size }) => target.abi.struct('kho_scratch').encode({ addr: start, size })),
  );
}
