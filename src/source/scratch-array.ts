import type { Target } from '../abi/target.ts';
import { isAligned } from '../base/numbers.ts';
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
const MAX_ENTRIES = 1026;
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
  const count = record && Math.floor(Number(record.scratchSize) / entrySize(target));
  if (record && count && count <= MAX_ENTRIES) {
    const regions = entries(memory, target, record.scratchAddr, count);
    if (isArray(regions, record)) return { regions, from: record.scratchAddr, inPlace: true };
  }
  let first: FoundScratch | undefined;
  for (const phys of pages) {
    const regions = arrayAt(memory, target, phys, count);
    if (!isArray(regions, record)) continue;
    const found: FoundScratch = { regions, from: phys, inPlace: false };
    // A dump may lack free memory, and with it scratch; where it does not, what it lacks is no scratch.
    if (isPresent(memory, regions)) return found;
    first ??= found;
  }
  return first;
}

/** What stands at an address: `count` entries, or those before the first that is empty. */
function arrayAt(memory: PhysicalMemory, target: Target, phys: bigint, count: number | undefined): Region[] {
  if (count !== undefined) return entries(memory, target, phys, count);
  const page = entries(memory, target, phys, target.pageSize / entrySize(target), isEmpty);
  const isWhole = page.length * entrySize(target) === target.pageSize;
  return isWhole ? entries(memory, target, phys, MAX_ENTRIES, isEmpty) : page;
}

/** A region without memory still has an address (4.3.9). */
const isEmpty = ({ start, size }: Region) => start === 0n && size === 0n;

function isPresent(memory: PhysicalMemory, regions: readonly Region[]): boolean {
  const filled = regions.filter(({ size }) => size > 0n);
  return filled.every((region) => memory.covers(region.start, 1) && memory.covers(regionEnd(region) - 1n, 1));
}

const entrySize = (target: Target) => target.abi.struct('kho_scratch').size;

function entries(
  memory: PhysicalMemory,
  target: Target,
  phys: bigint,
  count: number,
  isEnd: (region: Region) => boolean = () => false,
): Region[] {
  const codec = target.abi.struct('kho_scratch');
  const bytes = Buffer.from(memory.read(phys, Math.min(count, MAX_ENTRIES) * codec.size).buffer);
  const regions: Region[] = [];
  for (let at = 0; at < bytes.length; at += codec.size) {
    const { addr: start, size } = codec.read(bytes, at);
    if (isEnd({ start, size })) break;
    regions.push({ start, size });
  }
  return regions;
}

/**
 * Regions that a kernel could have, one of which has the record's array, as kexec_file_load() places it. Memory at 0
 * is nobody's scratch: memblock gives none of it out.
 */
function isArray(regions: readonly Region[], record: FoundRecord | undefined): boolean {
  const filled = regions.filter(({ size }) => size > 0n);
  if (filled.length === 0) return false;
  if (record && !isWithin(filled, record.scratchAddr, record.scratchAddr + record.scratchSize)) return false;
  const good = filled.every(
    ({ start, size }) => start > 0n && isAligned(start, ALIGNMENT) && size < LIMIT && start < LIMIT,
  );
  if (!good) return false;
  const ascending = filled.sort((a, b) => (a.start < b.start ? -1 : 1));
  return ascending.every((region, i) => i === 0 || regionEnd(ascending[i - 1] ?? NOWHERE) <= region.start);
}

const NOWHERE: Region = { start: 0n, size: 0n };

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
