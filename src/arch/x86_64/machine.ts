import { alignUp } from '../../base/numbers.ts';
import type { Machine } from '../../memory/machine.ts';
import { isWithin, type Region, regionEnd } from '../../memory/regions.ts';
import { noMachine } from '../no-machine.ts';

const KiB = 1n << 10n;
const MiB = 1n << 20n;
const GiB = 1n << 30n;

/*
 * Measured on QEMU 7.2 with SeaBIOS 1.16, -nodefaults: e820 as a kernel prints it for -m 256M to 6G, and memory
 * filled with a pattern and compared when the kernel would start.
 */

/** Where the BIOS data area at the end of conventional memory begins (e820). */
const CONVENTIONAL_END = 639n * KiB;
/** ACPI tables at the end of low memory: e820 and the pattern agree on 128 KiB. */
const ACPI_TABLES = 128n * KiB;
/**
 * SeaBIOS's temporary memory and its threads' stacks end this far below the end of low memory (src/malloc.c:
 * BUILD_MAX_HIGHTABLE); by the pattern it writes to 132 KiB there on q35, 120 KiB on pc.
 */
const SCRIBBLED_BELOW = 16n * MiB;
const SCRIBBLED = 256n * KiB;
/** What `pcRam` leaves to the firmware there: ample, because other QEMU versions keep more. */
const FIRMWARE_TOP = MiB;

const range = (start: bigint, end: bigint): Region => ({ start, size: end - start });

/** BIOS, flash, and the HyperTransport hole below 1 TiB (e820 on both machines). */
const RESERVED: readonly Region[] = [
  range(0xf0000n, MiB),
  range(0xfffc0000n, 4n * GiB),
  range(0xfd00000000n, 0x10000000000n),
];

interface Layout {
  readonly type: 'q35' | 'pc';
  /** From this much memory on, part of it is above 4 GiB … */
  readonly splitFrom: bigint;
  /** … and this much stays below. */
  readonly lowWhenSplit: bigint;
  readonly reserved: readonly Region[];
}

const Q35: Layout = {
  type: 'q35', // QEMU hw/i386/pc_q35.c: pc_q35_init()
  splitFrom: 0xb0000000n,
  lowWhenSplit: 2n * GiB,
  // PCI Express configuration space, then the chipset's root complex registers
  reserved: [range(0xb0000000n, 0xc0000000n), range(0xfed1c000n, 0xfed20000n), ...RESERVED],
};

const PC: Layout = {
  type: 'pc', // QEMU hw/i386/pc_piix.c: pc_init1()
  splitFrom: 0xe0000000n,
  lowWhenSplit: 3n * GiB,
  reserved: RESERVED,
};

/**
 * RAM that a kernel may use on a q35 with `size` bytes of guest memory: whole pages of conventional memory, then 1 MiB to
 * the firmware's tables; memory that does not fit below 2 GiB continues at 4 GiB.
 */
export function pcRam(size: bigint): Region[] {
  const { lowEnd, high } = split(Q35, size);
  return [range(0n, 636n * KiB), range(MiB, lowEnd - FIRMWARE_TOP), ...high];
}

/**
 * The smallest PC of QEMU that has all of `ram`: the inverse of `pcRam`, which also finds a machine for the RAM of a
 * captured guest.
 * @param size bytes of guest memory, when the user asks for more than needed
 * @throws KhoforgeError `RAM_NOT_QEMU` when no machine has RAM there
 */
export function pcMachine(ram: readonly Region[], size?: bigint): Machine {
  for (const layout of [Q35, PC]) {
    const machine = makeMachine(layout, size ?? neededSize(layout, ram));
    const inside = ram.every((region) => isWithin(backed(machine), region.start, regionEnd(region)));
    if (inside && ram.length > 0) return machine;
  }
  throw noMachine(ram, size, HINT);
}

function makeMachine(layout: Layout, asked: bigint): Machine {
  const size = alignUp(asked, MiB);
  const { lowEnd, high } = split(layout, size);
  return {
    type: layout.type,
    size,
    banks: [range(0n, 640n * KiB), range(MiB, lowEnd), ...high],
    // The hole below 1 MiB counts (QEMU hw/i386/acpi-build.c: build_srat()).
    backing: [range(0n, lowEnd), ...high],
    usable: [range(MiB, lowEnd - ACPI_TABLES), ...high],
    scribbled:
      lowEnd < 2n * SCRIBBLED_BELOW
        ? []
        : [range(lowEnd - SCRIBBLED_BELOW - SCRIBBLED, lowEnd - SCRIBBLED_BELOW)],
    reserved: layout.reserved,
  };
}

function split(layout: Layout, size: bigint): { lowEnd: bigint; high: Region[] } {
  if (size < layout.splitFrom) return { lowEnd: size, high: [] };
  return { lowEnd: layout.lowWhenSplit, high: [{ start: 4n * GiB, size: size - layout.lowWhenSplit }] };
}

/** RAM of the firmware's e820 table: conventional memory is RAM, even if the firmware writes over it first. */
function backed(machine: Machine): Region[] {
  return [range(0n, CONVENTIONAL_END), ...machine.usable];
}

function neededSize(layout: Layout, ram: readonly Region[]): bigint {
  const ends = ram.map(regionEnd).sort((a, b) => (a < b ? -1 : 1));
  const top = ends.at(-1) ?? 0n;
  if (top <= 4n * GiB) return alignUp(top + ACPI_TABLES, MiB);
  const size = layout.lowWhenSplit + top - 4n * GiB;
  return size > layout.splitFrom ? size : layout.splitFrom;
}

const HINT =
  'RAM is at 0-0x9fc00, from 1 MiB to 128 KiB before the end of low memory, and from 4 GiB on; low memory ends at 2 GiB (q35, from -m 2816M) or 3 GiB (pc, from -m 3584M)';
