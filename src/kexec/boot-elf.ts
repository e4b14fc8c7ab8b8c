import { KhoforgeError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { type Machine, machineOf } from '../memory/machine.ts';
import { withNodes } from '../memory/nodes.ts';
import type { Extent } from '../memory/physical-memory.ts';
import { isWithin, type Region, regionEnd } from '../memory/regions.ts';
import { hex, overlaps } from '../numbers.ts';
import { loadArm64Segments } from './arm64.ts';
import { parseArm64Image } from './arm64-image.ts';
import { parseBzImage } from './bzimage.ts';
import type { Segment } from './placer.ts';
import { arm64Elf, pvhElf } from './qemu-elf.ts';
import { loadSegments } from './x86-64.ts';

export interface BootElf {
  /** For `-kernel` of QEMU. */
  readonly elf: Uint8Array;
  /** In the order they were placed. */
  readonly segments: readonly Omit<Segment, 'bytes'>[];
  readonly machine: Machine;
  /** Version text of the kernel file; may be empty. */
  readonly kernelVersion: string;
}

export interface BootElfOptions {
  readonly kernel: Uint8Array;
  readonly initrd?: Uint8Array;
  readonly cmdline: string;
  /** Bytes of guest memory; default: what `image.ram` needs. */
  readonly memory?: bigint;
  /** arm64: gives the device tree of the machine, as QEMU dumps it. */
  readonly machineTree?: (machine: Machine) => Uint8Array;
  /** Name of the kernel file, for messages. */
  readonly kernelFile?: string;
}

/**
 * Memory as it is when the receiving kernel takes over after kexec: the handover, and the kernel loaded into
 * scratch, as one file that QEMU starts.
 * @throws KhoforgeError `KERNEL_NOT_BZIMAGE`, `KERNEL_NOT_IMAGE`, `KERNEL_UNSUPPORTED`, `KEXEC_NO_ROOM`, `RAM_NOT_QEMU`,
 * `OUTSIDE_RAM`, and of `machineTree`
 */
export function buildBootElf(image: Image, options: BootElfOptions): BootElf {
  return image.target.arch === 'arm64' ? arm64BootElf(image, options) : x86BootElf(image, options);
}

function x86BootElf(image: Image, options: BootElfOptions): BootElf {
  const kernel = parseBzImage(options.kernel, options.kernelFile);
  const machine = machineWithNodes(image, options);
  const { cmdline, initrd } = options;
  const segments = loadSegments(image, { kernel, cmdline, machine, ...(initrd && { initrd }) });
  const elf = pvhElf(extentsOf(image, segments, machine), entryOf(segments));
  return { elf, segments: segments.map(withoutBytes), machine, kernelVersion: kernel.version };
}

function arm64BootElf(image: Image, options: BootElfOptions): BootElf {
  const kernel = parseArm64Image(options.kernel, options.kernelFile);
  const machine = machineWithNodes(image, options);
  const { cmdline, initrd, machineTree } = options;
  if (machineTree === undefined)
    throw new KhoforgeError('BOOT_TREE', "no device tree of QEMU's virt machine");
  const load = { kernel, cmdline, machine, machineTree: machineTree(machine), ...(initrd && { initrd }) };
  const segments = loadArm64Segments(image, load);
  const [bank] = machine.banks;
  const elf = arm64Elf(extentsOf(image, segments, machine), entryOf(segments), bank?.start ?? 0n);
  return { elf, segments: segments.map(withoutBytes), machine, kernelVersion: kernel.version };
}

function machineWithNodes({ target, ram, nodes }: Image, { memory }: BootElfOptions): Machine {
  const machine = machineOf(target.arch, ram, memory);
  return nodes ? withNodes(machine, nodes) : machine;
}

const entryOf = (segments: readonly Segment[]) =>
  segments.find(({ name }) => name === 'entry stub')?.start ?? 0n;

function extentsOf(image: Image, segments: readonly Segment[], machine: Machine): Extent[] {
  const extents = merge(image.memory.extents, segments);
  for (const extent of extents) checkInRam(extent, machine);
  return extents;
}

function merge(extents: readonly Extent[], segments: readonly Segment[]): Extent[] {
  const all = [...extents, ...segments.filter((segment) => segment.bytes.length > 0)];
  return all.sort((a, b) => (a.start < b.start ? -1 : 1));
}

/** Bytes elsewhere would get lost: there is no RAM, or the firmware writes over it before the kernel runs. */
function checkInRam({ start, bytes }: Extent, machine: Machine): void {
  const end = start + BigInt(bytes.length);
  const lost = machine.scribbled.some((part) => overlaps(start, end, part.start, regionEnd(part)));
  if (isWithin(machine.usable, start, end) && !lost) return;
  const list = (regions: readonly Region[]) =>
    regions.map((region) => `${hex(region.start)}-${hex(regionEnd(region))}`).join(', ');
  const but = machine.scribbled.length > 0 ? ` without ${list(machine.scribbled)}` : '';
  throw new KhoforgeError(
    'OUTSIDE_RAM',
    `the image has bytes at ${hex(start)}-${hex(end)}; on this machine only ${list(machine.usable)}${but} reach the kernel as loaded`,
    {
      where: { phys: start },
      hint: 'place it at 1 MiB or above, inside `ram` and not where firmware works: it writes there first',
    },
  );
}

function withoutBytes({ name, start, size, why }: Segment): Omit<Segment, 'bytes'> {
  return { name, start, size, why };
}
