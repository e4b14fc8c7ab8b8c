import { unionOf } from '../../memory/intervals.ts';
import type { PhysicalMemory } from '../../memory/physical-memory.ts';
import { alignedInside, type Region, regionEnd } from '../../memory/regions.ts';

/** Offsets in `struct boot_params` (arch/x86/include/uapi/asm/bootparam.h, 7.3). */
const E820_ENTRIES = 0x1e8;
const E820_TABLE = 0x2d0;
const E820_MOST = 128;
const E820_RAM = 1;

const MiB = 1n << 20n;
/** QEMU's x86 dump has the firmware below 4 GiB as a segment of its own (6.15 of docs/kho-facts.md). */
const FIRMWARE = { start: 0xfff00000n, end: 1n << 32n };
/** End of conventional memory, and what SeaBIOS keeps for ACPI tables (src/arch/x86_64/machine.ts). */
const CONVENTIONAL = { start: 0n, size: 636n << 10n };
const ACPI_TABLES = 128n << 10n;

/** RAM by the e820 table of a page that may be boot_params, as a kernel tidies it (e820__update_table(), 7.3). */
export function e820Ram(memory: PhysicalMemory, phys: bigint, page: bigint): Region[] {
  const bytes = Buffer.from(memory.read(phys, 4096));
  const count = bytes.readUInt8(E820_ENTRIES);
  if (count > E820_MOST) return [];
  const entries = Array.from({ length: count }, (_, i) => {
    const at = E820_TABLE + i * 20;
    const region = { start: bytes.readBigUInt64LE(at), size: bytes.readBigUInt64LE(at + 8) };
    return { region, type: bytes.readUInt32LE(at + 16) };
  });
  const ram = entries.filter(({ type, region }) => type === E820_RAM && regionEnd(region) < 1n << 52n);
  return unionOf(ram.map(({ region }) => alignedInside(region, page)));
}

/** What a PC's firmware leaves of its memory: not the hole below 1 MiB, nor the tables at the end of low memory. */
export function withoutFirmware(runs: readonly Region[]): Region[] {
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
