import { KhoforgeError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { type Machine, machineFor, virtMachine } from '../memory/machine.ts';
import { PhysicalMemory } from '../memory/physical-memory.ts';
import { loadArm64Segments } from './arm64.ts';
import { parseArm64Image } from './arm64-image.ts';
import type { BootElfOptions } from './boot-elf.ts';
import { parseBzImage } from './bzimage.ts';
import type { Segment } from './placer.ts';
import { loadSegments } from './x86-64.ts';

/** What goes into memory beside the handover, for a jump that no firmware comes before. */
export interface KexecSegments {
  /** In the order they were placed; each has bytes. */
  readonly segments: readonly Segment[];
  /** Version text of the kernel file; may be empty. */
  readonly kernelVersion: string;
}

export type SegmentsOptions = Omit<BootElfOptions, 'memory'>;

/**
 * Kernel, initrd and what leads to them, where kexec_file_load() would put them; of x86_64 without an entry stub.
 * @throws KhoforgeError `KERNEL_NOT_BZIMAGE`, `KERNEL_NOT_IMAGE`, `KERNEL_UNSUPPORTED`, `KEXEC_NO_ROOM`, and of
 *   `machineTree`
 */
export function kexecSegments(image: Image, options: SegmentsOptions): KexecSegments {
  const { segments, kernelVersion } =
    image.target.arch === 'arm64' ? arm64Segments(image, options) : x86Segments(image, options);
  return { segments: segments.filter(({ bytes }) => bytes.length > 0), kernelVersion };
}

function x86Segments(image: Image, { kernel, kernelFile, cmdline, initrd }: SegmentsOptions): KexecSegments {
  const bzImage = parseBzImage(kernel, kernelFile);
  const machine = withoutFirmware(image);
  const segments = loadSegments(image, { kernel: bzImage, cmdline, machine, ...(initrd && { initrd }) });
  return { segments: segments.filter(({ name }) => name !== 'entry stub'), kernelVersion: bzImage.version };
}

function arm64Segments(image: Image, options: SegmentsOptions): KexecSegments {
  const { machineTree, cmdline, initrd } = options;
  const kernel = parseArm64Image(options.kernel, options.kernelFile);
  const machine = virtMachine(image.ram);
  if (machineTree === undefined)
    throw new KhoforgeError('BOOT_TREE', "no device tree of QEMU's virt machine");
  const load = { kernel, cmdline, machine, machineTree: machineTree(machine), ...(initrd && { initrd }) };
  return { segments: loadArm64Segments(image, load), kernelVersion: kernel.version };
}

/** What e820 tells beside RAM is known of QEMU's machines; of any other there is RAM alone. */
function withoutFirmware({ ram }: Image): Machine {
  try {
    return { ...machineFor(ram), scribbled: [] };
  } catch (error) {
    if (!(error instanceof KhoforgeError) || error.code !== 'RAM_NOT_QEMU') throw error;
    return { type: 'q35', size: 0n, banks: ram, usable: ram, scribbled: [], reserved: [] };
  }
}

/** The image with the bytes of segments in its memory: as it is when the kernel takes over. */
export function withSegments(image: Image, segments: readonly Segment[]): Image {
  const memory = new PhysicalMemory();
  for (const { start, bytes } of [...image.memory.extents, ...segments]) memory.map(start, bytes);
  return { ...image, memory };
}
