import type { KernelOptions, PlacedSegments } from '../arch/architecture.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import type { Segment } from '../arch/placer.ts';
import { KhoforgeError } from '../base/errors.ts';
import type { Machine } from '../memory/machine.ts';
import { withNodes } from '../memory/nodes.ts';
import { PhysicalMemory } from '../memory/physical-memory.ts';
import type { Image } from '../model/image.ts';

export interface SegmentsOptions extends KernelOptions {
  /** Bytes of guest memory; default: what `image.ram` needs. */
  readonly memory?: bigint;
}

/**
 * Kernel, initrd and what leads to them, where kexec_file_load() would put them, clear of where the firmware of QEMU's
 * machine works before the entry stub runs.
 * @throws KhoforgeError `KERNEL_NOT_BZIMAGE`, `KERNEL_NOT_IMAGE`, `KERNEL_UNSUPPORTED`, `KEXEC_NO_ROOM`, `RAM_NOT_QEMU`,
 *   and of `machineTree`
 */
export function bootSegments(image: Image, options: SegmentsOptions): PlacedSegments {
  const { placeSegments } = ARCHITECTURES[image.target.arch];
  return placeSegments(image, options, () => machineWithNodes(image, options));
}

/**
 * The same for a jump that no firmware comes before, from a kernel or a boot loader: those that have bytes, without the
 * entry stub. Any RAM will do.
 * @throws KhoforgeError as bootSegments(), but `RAM_NOT_QEMU`
 */
export function kexecSegments(image: Image, options: SegmentsOptions): PlacedSegments {
  const { placeSegments } = ARCHITECTURES[image.target.arch];
  const all = placeSegments(image, options, () => withoutFirmware(image));
  const segments = all.segments.filter(({ name, bytes }) => name !== 'entry stub' && bytes.length > 0);
  return { ...all, segments };
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
  memory.share(image.memory, { start: 0n, size: 1n << 64n });
  for (const { start, bytes } of segments) memory.map(start, bytes);
  return { ...image, memory };
}
