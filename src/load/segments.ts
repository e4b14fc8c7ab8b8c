import { ARCHITECTURES } from '../arch/architectures.ts';
import { parseArm64Image } from '../arch/arm64/image.ts';
import { loadArm64Segments } from '../arch/arm64/segments.ts';
import { parseBzImage } from '../arch/x86_64/bzimage.ts';
import { loadSegments } from '../arch/x86_64/segments.ts';
import { KhoforgeError } from '../base/errors.ts';
import type { Machine } from '../memory/machine.ts';
import { withNodes } from '../memory/nodes.ts';
import { PhysicalMemory } from '../memory/physical-memory.ts';
import type { Image } from '../model/image.ts';
import type { Segment } from './placer.ts';

export interface SegmentsOptions {
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

/** What goes into memory beside the handover. */
export interface PlacedSegments {
  /** In the order they were placed. */
  readonly segments: readonly Segment[];
  readonly machine: Machine;
  /** Version text of the kernel file; may be empty. */
  readonly kernelVersion: string;
}

/**
 * Kernel, initrd and what leads to them, where kexec_file_load() would put them, clear of where the firmware of QEMU's
 * machine works before the entry stub runs.
 * @throws KhoforgeError `KERNEL_NOT_BZIMAGE`, `KERNEL_NOT_IMAGE`, `KERNEL_UNSUPPORTED`, `KEXEC_NO_ROOM`, `RAM_NOT_QEMU`,
 *   and of `machineTree`
 */
export function bootSegments(image: Image, options: SegmentsOptions): PlacedSegments {
  return placed(image, options, () => machineWithNodes(image, options));
}

/**
 * The same for a jump that no firmware comes before, from a kernel or a boot loader: those that have bytes, without the
 * entry stub. Any RAM will do.
 * @throws KhoforgeError as bootSegments(), but `RAM_NOT_QEMU`
 */
export function kexecSegments(image: Image, options: SegmentsOptions): PlacedSegments {
  const all = placed(image, options, () => withoutFirmware(image));
  const segments = all.segments.filter(({ name, bytes }) => name !== 'entry stub' && bytes.length > 0);
  return { ...all, segments };
}

/** @param machine asked for when the kernel is known to be one of the architecture */
const placed = (image: Image, options: SegmentsOptions, machine: () => Machine): PlacedSegments =>
  image.target.arch === 'arm64'
    ? arm64Segments(image, options, machine)
    : x86Segments(image, options, machine);

function x86Segments(image: Image, options: SegmentsOptions, findMachine: () => Machine): PlacedSegments {
  const { cmdline, initrd } = options;
  const kernel = parseBzImage(options.kernel, options.kernelFile);
  const machine = findMachine();
  const segments = loadSegments(image, { kernel, cmdline, machine, ...(initrd && { initrd }) });
  return { segments, machine, kernelVersion: kernel.version };
}

function arm64Segments(image: Image, options: SegmentsOptions, findMachine: () => Machine): PlacedSegments {
  const { machineTree, cmdline, initrd } = options;
  const kernel = parseArm64Image(options.kernel, options.kernelFile);
  const machine = findMachine();
  if (machineTree === undefined)
    throw new KhoforgeError('BOOT_TREE', "no device tree of QEMU's virt machine");
  const load = { kernel, cmdline, machine, machineTree: machineTree(machine), ...(initrd && { initrd }) };
  return { segments: loadArm64Segments(image, load), machine, kernelVersion: kernel.version };
}

function machineWithNodes({ target, ram, nodes }: Image, { memory }: SegmentsOptions): Machine {
  const machine = ARCHITECTURES[target.arch].machineFor(ram, memory);
  return nodes ? withNodes(machine, nodes) : machine;
}

/** What is reserved beside RAM is known of QEMU's machines; of any other there is RAM alone. */
function withoutFirmware({ target, ram }: Image): Machine {
  try {
    return { ...ARCHITECTURES[target.arch].machineFor(ram), scribbled: [] };
  } catch (error) {
    if (!(error instanceof KhoforgeError) || error.code !== 'RAM_NOT_QEMU') throw error;
    return { type: 'none', size: 0n, banks: ram, backing: ram, usable: ram, scribbled: [], reserved: [] };
  }
}

/** The image with the bytes of segments in its memory: as it is when the kernel takes over. */
export function withSegments(image: Image, segments: readonly Segment[]): Image {
  const memory = new PhysicalMemory();
  for (const { start, bytes } of [...image.memory.extents, ...segments]) memory.map(start, bytes);
  return { ...image, memory };
}
