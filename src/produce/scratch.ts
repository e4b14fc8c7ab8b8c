import type { Target } from '../abi/target.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import { alignDown, alignUp, hex, humanSize, isAligned, maxOf, overlaps } from '../base/numbers.ts';
import type { Checker } from '../emit/checks.ts';
import type { Producer } from '../emit/producer.ts';
import { Allocator } from '../memory/allocator.ts';
import { placeSegment } from '../memory/place-segment.ts';
import { isWithin, type Region, regionEnd } from '../memory/regions.ts';
import type { ParsedSpec } from '../specfile/schema.ts';
import { PAGE_STRUCT, pageStructs, type Reserved, scratchSizes } from './scratch-size.ts';

const MiB = 1n << 20n;

/** As a machine with one node has them: lowmem, global, node 0 (kho_reserve_scratch(), 7.3). */
const DEFAULT_SIZES = { lowmem: 64n * MiB, other: 16n * MiB };

/** What scratch is laid out in. */
export interface ScratchRoom {
  readonly target: Target;
  readonly ram: readonly Region[];
  /** RAM of each NUMA node. */
  readonly nodes: readonly (readonly Region[])[];
  /** What the producing kernel had taken before. */
  readonly reserved?: readonly Reserved[] | undefined;
}

/**
 * The scratch regions in the order of the array: lowmem, global, one per node. Without an address the first goes below
 * 4 GiB, those of nodes into theirs, and every region takes the highest place that is free (memblock allocates
 * top-down).
 * @param wanted regions, or the value of kho_scratch=
 * @throws KhoforgeError `NO_ROOM`, `SCRATCH_PARAMETER`
 */
export function layOutScratch(
  machine: ScratchRoom,
  wanted: ParsedSpec['scratch'],
  checker: Checker,
): Region[] {
  const room = { ...machine, nodes: nodesWithMemory(machine) };
  const allocator = new Allocator(room.ram);
  const entries =
    typeof wanted === 'string' ? asKernel(room, wanted, allocator) : (wanted ?? byDefault(room));
  for (const { start, size } of room.reserved ?? []) allocator.take(start, size, 'reserved');
  entries.forEach(({ addr, size }, i) => {
    if (addr !== undefined) allocator.take(addr, size, `scratch[${i}]`);
  });
  const regions = entries.map(({ addr, size }, i): Region => {
    if (addr !== undefined) return { start: addr, size };
    const start = place(room, allocator, i, size);
    if (start !== undefined) return { start, size };
    throw new KhoforgeError('NO_ROOM', `no room for scratch[${i}] of ${humanSize(size)}`, {
      where: { spec: `scratch[${i}].size` },
      hint: 'give the spec more ram or smaller scratch',
    });
  });
  checkScratch(room.target, room.ram, regions, checker);
  return regions;
}

/** A node without memory has no scratch. @throws KhoforgeError `NODES_SIZE` for a kernel that fails on one */
function nodesWithMemory({ target, nodes }: ScratchRoom): (readonly Region[])[] {
  const some = nodes.filter((regions) => regions.length > 0);
  if (some.length === nodes.length || !target.generation.needsMemoryOnNodes) return some;
  throw new KhoforgeError(
    'NODES_SIZE',
    `kernels of ${target.generation.name} have no KHO where a node has no memory`,
    {
      specPath: ['nodes'],
      hint: 'give each node memory, or name a later release',
    },
  );
}

interface Wanted {
  readonly size: bigint;
  readonly addr?: bigint | undefined;
}

/**
 * Regions of whole blocks: global with room for the page structures of all RAM, where there is much, which a receiver
 * before 7.3 has to allocate in scratch. Of little RAM a part is left, and where even the smallest blocks are too many, one node goes without.
 */
function byDefault({ target, ram, nodes }: ScratchRoom): Wanted[] {
  const bytes = ram.reduce((sum, { size }) => sum + size, 0n);
  const alignment = target.generation.scratchAlignment(target);
  const structs = (bytes / BigInt(target.pageSize)) * PAGE_STRUCT;
  const most = (bytes / 4n) * 3n;
  const count = nodes.length;
  const regions = (lowmem: bigint, global: bigint, node: bigint) =>
    [lowmem, global, ...Array.from({ length: count }, () => node)].map((size) => ({
      size: alignUp(size, alignment),
    }));
  const fits = (wanted: Wanted[]) => wanted.reduce((sum, { size }) => sum + size, 0n) <= most;
  const { lowmem, other } = DEFAULT_SIZES;
  const usual = regions(lowmem, structs > lowmem ? structs : other, other);
  if (fits(usual)) return usual;
  const part = alignDown(most / 2n / BigInt(count + 1), alignment);
  const less = regions(alignDown(most / 2n, alignment), part, part);
  return part > 0n && fits(less) ? less : regions(alignment, alignment, alignment).slice(0, 2);
}

/** RAM that there is where a spec names none: with room for scratch of whole blocks. */
export function defaultRam(target: Target): bigint {
  const alignment = target.generation.scratchAlignment(target);
  return maxOf(512n * MiB, alignment * 8n);
}

/** Sizes by the kernel's rules; the kernel first takes memory for its own array (kho_reserve_scratch(), 7.3). */
function asKernel(room: ScratchRoom, parameter: string, allocator: Allocator): Wanted[] {
  const { target, nodes } = room;
  const reserved = room.reserved ?? pageStructs(target, nodes);
  for (const { start, size } of reserved) allocator.take(start, size, 'reserved');
  const lowLimit = ARCHITECTURES[target.arch].lowAddressLimit(room.ram);
  const sizes = scratchSizes(target, parameter, reserved, { nodes: nodes.length, lowLimit });
  const page = BigInt(target.pageSize);
  const array = BigInt(sizes.length * target.abi.struct('kho_scratch').size);
  allocator.highest({ size: array, alignment: page, min: page }, 'array of the kernel before');
  return sizes.map((size) => ({ size }));
}

/** Undefined where there is no room. */
function place({ target, ram, nodes }: ScratchRoom, allocator: Allocator, i: number, size: bigint) {
  const alignment = target.generation.scratchAlignment(target);
  const node = nodes.length > 1 ? nodes[i - 2] : undefined;
  const limits = {
    alignment,
    min: alignment,
    ...(i === 0 && { max: ARCHITECTURES[target.arch].lowAddressLimit(ram) }),
    ...(node && { within: node }),
  };
  return size === 0n
    ? allocator.highestEmpty(limits)
    : allocator.highest({ size, ...limits }, `scratch[${i}]`);
}

function checkScratch(
  target: Target,
  ram: readonly Region[],
  regions: readonly Region[],
  checker: Checker,
): void {
  const alignment = target.generation.scratchAlignment(target);
  regions.forEach((region, i) => {
    if (region.size === 0n) return;
    const end = regionEnd(region);
    const text = `scratch[${i}] at ${hex(region.start)}-${hex(end)}`;
    if (!isAligned(region.start, alignment) || !isAligned(region.size, alignment)) {
      checker.broken('scratch-alignment', `${text} is not made of blocks of ${humanSize(alignment)}`);
    }
    if (!isWithin(ram, region.start, end)) checker.broken('scratch-outside-ram', `${text} is not in RAM`);
    const other = regions.findIndex(
      (next, j) => j > i && next.size > 0n && overlaps(region.start, end, next.start, regionEnd(next)),
    );
    if (other >= 0) checker.broken('scratch-overlap-scratch', `${text} overlaps scratch[${other}]`);
  });
}

/** Path of the scratch array and of its entries' overrides. */
const SCRATCH = 'scratch';
const ARRAY_ALIGNMENT = 64n << 10n;

/**
 * Writes the scratch array where kexec_file_load puts it: it is the first kexec segment, inside scratch,
 * aligned to 64 KiB, top-down (kho_fill_kimage(), 7.3).
 * @returns its address and its bytes
 */
export function emitScratchArray(producer: Producer, scratch: readonly Region[]): Region {
  const entrySize = producer.sizeOf('kho_scratch');
  const size = BigInt(scratch.length) * entrySize;
  const start = placeSegment({
    scratch,
    occupied: [],
    memsz: size,
    align: ARRAY_ALIGNMENT,
    topDown: true,
    pageSize: producer.target.pageSize,
  });
  if (start === undefined) {
    const largest = scratch.reduce((most, region) => maxOf(most, region.size), 0n);
    const text = `an array for ${scratch.length} takes ${humanSize(size)} at a multiple of ${humanSize(ARRAY_ALIGNMENT)}: no region has them, the largest has ${humanSize(largest)}`;
    producer.checker.broken('scratch-array-unplaced', text, ['scratch']);
    return { start: 0n, size };
  }
  scratch.forEach((region, i) => {
    producer.writeStruct(`${SCRATCH}[${i}]`, 'kho_scratch', start + BigInt(i) * entrySize, {
      addr: region.start,
      size: region.size,
    });
  });
  producer.placements.push({ path: SCRATCH, start, size });
  return { start, size };
}
