import { KhoforgeError } from '../../base/errors.ts';
import { alignDown } from '../../base/numbers.ts';
import type { Machine } from '../../memory/machine.ts';
import type { Image } from '../../model/image.ts';
import type { KernelOptions, PlacedSegments } from '../architecture.ts';
import { type Placed, Placer, type Segment } from '../placer.ts';
import { deviceTree } from './dtb.ts';
import { type Arm64Image, parseArm64Image } from './image.ts';
import { ARM64_STUB_SIZE, arm64Stub } from './stub.ts';

export interface Arm64LoadOptions {
  readonly kernel: Arm64Image;
  readonly initrd?: Uint8Array;
  readonly cmdline: string;
  readonly machine: Machine;
  /** Device tree of the machine, as QEMU dumps it. */
  readonly machineTree: Uint8Array;
}

/** MIN_KIMG_ALIGN, and the alignment of the device tree (7.3: arch/arm64/kernel/kexec_image.c, machine_kexec_file.c). */
const ALIGN = 2n << 20n;
const GiB = 1n << 30n;
/** An initrd is in a window of 32 GiB that begins with the kernel's GiB. */
const INITRD_WINDOW = 32n * GiB;

interface Places {
  readonly kernel: Placed;
  readonly initrd?: Placed;
  readonly tree: Placed;
}

/**
 * Places what kexec_file_load() would load, by its rules and in its order: scratch array, kernel, initrd, device tree
 * (7.3: image_load(), load_other_segments()). The entry stub comes last, where nothing else is.
 * @throws KhoforgeError `KEXEC_NO_ROOM` when scratch is too small
 */
export function loadArm64Segments(image: Image, options: Arm64LoadOptions): Segment[] {
  const { kernel, initrd, machine } = options;
  const placer = new Placer(image, machine);
  const { kernel: kernelAt, initrd: initrdAt, tree } = placeAll(placer, image, options);
  const stub = placer.place('entry stub', ARM64_STUB_SIZE, {});
  const start = kernelAt.start + kernel.textOffset;
  const bytes = treeBytes(image, options, initrdAt);
  return [
    ...placer.array,
    { ...kernelAt, name: 'kernel', start, size: kernelAt.size - kernel.textOffset, bytes: kernel.bytes },
    ...(initrdAt && initrd ? [{ ...initrdAt, name: 'initrd' as const, bytes: initrd }] : []),
    { ...tree, name: 'device tree', bytes },
    { ...stub, name: 'entry stub', bytes: arm64Stub({ kernel: start, dtb: tree.start }) },
  ];
}

/** The segments of a kernel file. @throws KhoforgeError of parseArm64Image(), loadArm64Segments(), `BOOT_TREE` */
export function placeSegments(
  image: Image,
  { kernel: file, kernelFile, cmdline, initrd, machineTree }: KernelOptions,
  findMachine: () => Machine,
): PlacedSegments {
  const kernel = parseArm64Image(file, kernelFile);
  const machine = findMachine();
  if (machineTree === undefined)
    throw new KhoforgeError('BOOT_TREE', "no device tree of QEMU's virt machine");
  const options = { kernel, cmdline, machine, machineTree: machineTree(machine), ...(initrd && { initrd }) };
  return { segments: loadArm64Segments(image, options), machine, kernelVersion: kernel.version };
}

/** When initrd or device tree find no place, the kernel is placed again behind where it was, until it finds none. */
function placeAll(placer: Placer, image: Image, options: Arm64LoadOptions): Places {
  const { kernel } = options;
  const size = kernel.imageSize + kernel.textOffset;
  for (let min = 0n; ; ) {
    const limits = { align: ALIGN, bottomUp: true, min };
    const places = placer.attempt(() => {
      const at = placer.place('kernel', size, limits);
      min = at.start + at.size;
      return placeOthers(placer, image, at, options);
    });
    if (places) return places;
  }
}

function placeOthers(
  placer: Placer,
  image: Image,
  kernel: Placed,
  options: Arm64LoadOptions,
): Places | undefined {
  const min = kernel.start + kernel.size;
  const initrdSize = BigInt(options.initrd?.length ?? 0);
  const max = alignDown(kernel.start, GiB) + INITRD_WINDOW;
  const initrd = initrdSize === 0n ? undefined : placer.tryPlace(initrdSize, { min, max, bottomUp: true });
  if (initrdSize > 0n && !initrd) return undefined;
  const treeSize = BigInt(treeBytes(image, options, initrd).length);
  const tree = placer.tryPlace(treeSize, { min, align: ALIGN });
  return tree && { kernel, tree, ...(initrd && { initrd }) };
}

function treeBytes(
  image: Image,
  { machineTree, cmdline, initrd }: Arm64LoadOptions,
  at: Placed | undefined,
): Uint8Array {
  const { target, ram, bootRecord } = image;
  const region = at && initrd && { start: at.start, size: BigInt(initrd.length) };
  return deviceTree(machineTree, { target, ram, bootRecord, cmdline, ...(region && { initrd: region }) });
}
