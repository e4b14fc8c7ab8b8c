import { kho_scratch } from '../abi/kexec_handover.ts';
import type { Target } from '../abi/target.ts';
import { KhoforgeError } from '../errors.ts';
import { placeSegment } from '../kexec/place.ts';
import { Allocator } from '../memory/allocator.ts';
import { isWithin, type Region, regionEnd } from '../memory/regions.ts';
import { hex, humanSize, isAligned, overlaps } from '../numbers.ts';
import type { ParsedSpec } from '../spec/schema.ts';
import type { Checker } from './checks.ts';
import type { Producer } from './producer.ts';

/** ARCH_LOW_ADDRESS_LIMIT of x86_64 (include/linux/memblock.h, 7.3): the last byte below 4 GiB is out of reach. */
const LOW_MEMORY_END = (1n << 32n) - 1n;
const MiB = 1n << 20n;

/** As a machine with one node has them: lowmem, global, node 0 (kho_reserve_scratch(), 7.3). */
const DEFAULT_SIZES = [64n * MiB, 16n * MiB, 16n * MiB];

/**
 * The scratch regions in the order of the array. Without an address the first goes below 4 GiB, as lowmem
 * scratch does, and every region takes the highest place that is free (memblock allocates top-down).
 * @throws KhoforgeError `NO_ROOM`
 */
export function layOutScratch(
  target: Target,
  ram: readonly Region[],
  wanted: ParsedSpec['scratch'],
  checker: Checker,
): Region[] {
  const allocator = new Allocator(ram);
  const entries = wanted ?? DEFAULT_SIZES.map((size) => ({ size, addr: undefined }));
  entries.forEach(({ addr, size }, i) => {
    if (addr !== undefined) allocator.take(addr, size, `scratch[${i}]`);
  });
  const regions = entries.map(({ addr, size }, i): Region => {
    if (addr !== undefined) return { start: addr, size };
    if (size === 0n) return { start: 0n, size };
    const alignment = target.generation.scratchAlignment(target);
    const request = { size, alignment, min: alignment, ...(i === 0 ? { max: LOW_MEMORY_END } : {}) };
    const start = allocator.highest(request, `scratch[${i}]`);
    if (start !== undefined) return { start, size };
    throw new KhoforgeError('NO_ROOM', `no room for scratch[${i}] of ${humanSize(size)}`, {
      where: { spec: `scratch[${i}].size` },
      hint: 'give the spec more ram or smaller scratch',
    });
  });
  checkScratch(target, ram, regions, checker);
  return regions;
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

/**
 * Writes the scratch array where kexec_file_load puts it: it is the first kexec segment, inside scratch,
 * aligned to 64 KiB, top-down (kho_fill_kimage(), 7.3).
 * @returns its address and its bytes
 */
export function emitScratchArray(producer: Producer, scratch: readonly Region[]): Region {
  const entrySize = producer.sizeOf(kho_scratch);
  const size = BigInt(scratch.length) * entrySize;
  const start = placeSegment({
    scratch,
    occupied: [],
    memsz: size,
    align: 64n << 10n,
    topDown: true,
    pageSize: producer.target.pageSize,
  });
  if (start === undefined) {
    producer.checker.broken('scratch-array-unplaced', `${scratch.length} entries take ${humanSize(size)}`);
    return { start: 0n, size };
  }
  scratch.forEach((region, i) => {
    producer.writeStruct(`${SCRATCH}[${i}]`, kho_scratch, start + BigInt(i) * entrySize, {
      addr: region.start,
      size: region.size,
    });
  });
  producer.placements.push({ path: SCRATCH, start, size });
  return { start, size };
}
