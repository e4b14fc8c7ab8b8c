import type { Arch } from '../abi/target.ts';
import { alignDown, alignUp } from '../numbers.ts';

/** A range of physical addresses: RAM, or a scratch region. */
export interface Region {
  readonly start: bigint;
  /** Bytes. */
  readonly size: bigint;
}

export const regionEnd = (region: Region): bigint => region.start + region.size;

/** Whether one of `regions` holds all of [start, end). */
export function isWithin(regions: readonly Region[], start: bigint, end: bigint): boolean {
  return regions.some((region) => region.start <= start && end <= regionEnd(region));
}

/** The part of a region made of whole aligned units. */
export function alignedInside(region: Region, alignment: bigint): Region {
  const start = alignUp(region.start, alignment);
  const end = alignDown(regionEnd(region), alignment);
  return { start, size: end > start ? end - start : 0n };
}

const KiB = 1n << 10n;
const MiB = 1n << 20n;
const GiB = 1n << 30n;

/**
 * RAM that a kernel may use on the QEMU machine khoforge boots, for `size` bytes of guest memory.
 * x86_64 (q35): conventional memory, then from 1 MiB to where the firmware keeps its tables below the end of
 * low memory; what does not fit below 2 GiB continues at 4 GiB (QEMU hw/i386/pc_q35.c, max_ram_below_4g).
 * arm64 (virt): one bank at 1 GiB (QEMU hw/arm/virt.c, VIRT_MEM).
 */
export function machineRam(arch: Arch, size: bigint): Region[] {
  if (arch === 'arm64') return [{ start: GiB, size }];
  const low = size >= 0xb0000000n ? 2n * GiB : size;
  const ram = [
    { start: 0n, size: 636n * KiB },
    { start: MiB, size: low - FIRMWARE_TOP - MiB },
  ];
  return size > low ? [...ram, { start: 4n * GiB, size: size - low }] : ram;
}

/** SeaBIOS and QEMU keep ACPI tables and boot data in the last bytes of low memory. */
const FIRMWARE_TOP = MiB;
