import type { Arch } from '../abi/target.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { alignedInside, isWithin, type Region, regionEnd } from '../memory/regions.ts';

/** Offsets in `struct boot_params` (arch/x86/include/uapi/asm/bootparam.h, 7.3). */
const E820_ENTRIES = 0x1e8;
const E820_TABLE = 0x2d0;
const E820_MOST = 128;
const E820_RAM = 1;

const MiB = 1n << 20n;
/** QEMU's x86 dump has the firmware below 4 GiB as a segment of its own (6.15 of the facts). */
const FIRMWARE = { start: 0xfff00000n, end: 1n << 32n };
/** End of conventional memory, and what SeaBIOS keeps for ACPI tables (src/arch/x86_64/machine.ts). */
const CONVENTIONAL = { start: 0n, size: 636n << 10n };
const ACPI_TABLES = 128n << 10n;

/**
 * RAM that the kernel in a dump may use: the table of some boot_params that covers all that `needed` names, else
 * what the dump has.
 * @param bootParams pages that may hold boot_params
 */
export function ramOf(
  memory: PhysicalMemory,
  arch: Arch,
  bootParams: readonly bigint[],
  needed: readonly bigint[],
  page: bigint,
): { ram: Region[]; from: string } {
  for (const phys of arch === 'x86_64' ? bootParams : []) {
    const ram = e820Ram(memory, phys, page);
    if (needed.length > 0 && needed.every((at) => isWithin(ram, at, at + 1n))) return { ram, from: 'e820' };
  }
  const runs = memoryRuns(memory).map((run) => alignedInside(run, page));
  return { ram: arch === 'x86_64' ? withoutFirmware(runs) : runs, from: 'the extent of the dump' };
}

function e820Ram(memory: PhysicalMemory, phys: bigint, page: bigint): Region[] {
  const bytes = Buffer.from(memory.read(phys, 4096));
  const count = bytes.readUInt8(E820_ENTRIES);
  if (count > E820_MOST) return [];
  const entries = Array.from({ length: count }, (_, i) => {
    const at = E820_TABLE + i * 20;
    const region = { start: bytes.readBigUInt64LE(at), size: bytes.readBigUInt64LE(at + 8) };
    return { region, type: bytes.readUInt32LE(at + 16) };
  });
  const ram = entries.filter(({ type, region }) => type === E820_RAM && regionEnd(region) < 1n << 52n);
  return ram.map(({ region }) => alignedInside(region, page)).filter(({ size }) => size > 0n);
}

/** Extents that follow each other are one. */
function memoryRuns(memory: PhysicalMemory): Region[] {
  const runs: { start: bigint; size: bigint }[] = [];
  for (const { start, bytes } of memory.extents) {
    const last = runs.at(-1);
    if (last && regionEnd(last) === start) last.size += BigInt(bytes.length);
    else runs.push({ start, size: BigInt(bytes.length) });
  }
  return runs;
}

/** What a PC's firmware leaves of its memory: not the hole below 1 MiB, nor the tables at the end of low memory. */
function withoutFirmware(runs: readonly Region[]): Region[] {
  const low = runs.some((run) => run.start === 0n && run.size > MiB) ? [CONVENTIONAL] : [];
  const rest = runs
    .filter((run) => run.start < FIRMWARE.start || run.start >= FIRMWARE.end)
    .map((run) => {
      const start = run.start < MiB ? MiB : run.start;
      const end =
        regionEnd(run) <= 1n << 32n && run.start <= MiB ? regionEnd(run) - ACPI_TABLES : regionEnd(run);
      return { start, size: end > start ? end - start : 0n };
    });
  return [...low, ...rest.filter(({ size }) => size > 0n)];
}
