import { alignUp } from '../../base/numbers.ts';
import type { Machine } from '../../memory/machine.ts';
import type { Image } from '../../model/image.ts';
import type { KernelOptions, PlacedSegments } from '../architecture.ts';
import { type Placed, Placer, type Segment } from '../placer.ts';
import { bootParamsSize, e820Table, encodeBootParams } from './boot-params.ts';
import { type BzImage, kernelRelease, parseBzImage } from './bzimage.ts';
import { ENTRY_64 } from './code.ts';
import { type UnpackedKernel, unpackKernel } from './packed-kernel.ts';
import { makeStub, stubSize } from './pvh-stub.ts';

export interface LoadOptions {
  readonly kernel: BzImage;
  /** What is there of it instead of what unpacks itself. */
  readonly unpacked?: UnpackedKernel;
  readonly initrd?: Uint8Array;
  readonly cmdline: string;
  readonly machine: Machine;
}

/*
 * Limits of the buffers, as kexec_file_load() sets them (7.3, arch/x86/kernel/kexec-bzimage64.c: MIN_PURGATORY_ADDR,
 * MIN_BOOTPARAM_ADDR, MIN_KERNEL_LOAD_ADDR, MIN_INITRD_LOAD_ADDR). Nothing has an upper limit, except that the
 * stub is entered in 32-bit mode.
 */
const LOWEST_PURGATORY = 0x3000n;
const LOWEST_BOOT_PARAMS = 0x3000n;
const LOWEST_KERNEL = 0x100000n;
const LOWEST_INITRD = 0x1000000n;
const LAST_32BIT_ADDRESS = 0xffffffffn;
/** Bytes that the purgatory of 6.18 to 7.3 takes, as their kernels say with KEXEC_FILE_DEBUG. */
const PURGATORY_SIZE = 0x5000n;

/**
 * Places what kexec_file_load() would load, by its rules and in its order: scratch array, purgatory, boot parameters,
 * kernel, initrd. Of the purgatory there is only the room, since nothing has to be copied or checked; the entry stub
 * comes last, where nothing else is.
 * @throws KhoforgeError `KEXEC_NO_ROOM` when scratch is too small
 */
export function loadSegments(image: Image, options: LoadOptions): Segment[] {
  const { kernel, unpacked, initrd, cmdline, machine } = options;
  const placer = new Placer(image, machine);
  const kernelSize = alignUp(kernel.initSize, BigInt(image.target.pageSize));
  const fixed = kernel.relocatable ? undefined : fixedKernel(placer, kernel, kernelSize);
  const purgatory = placer.place('purgatory', PURGATORY_SIZE, { min: LOWEST_PURGATORY });
  const params = placer.place('boot parameters', bootParamsSize(cmdline), { min: LOWEST_BOOT_PARAMS });
  const min = kernel.prefAddress < LOWEST_KERNEL ? LOWEST_KERNEL : kernel.prefAddress;
  const kernelAt = fixed ?? placer.place('kernel', kernelSize, { min, align: kernel.kernelAlignment });
  const initrdSize = BigInt(initrd?.length ?? 0);
  const initrdAt = initrdSize > 0n ? placer.place('initrd', initrdSize, { min: LOWEST_INITRD }) : undefined;
  const stub = placer.place('entry stub', stubSize(kernelSize), { max: LAST_32BIT_ADDRESS });

  const paramsBytes = encodeBootParams({
    kernel,
    address: params.start,
    cmdline,
    e820: e820Table(image.ram, machine),
    bootRecord: image.bootRecord,
    target: image.target,
    ...(initrdAt && { initrd: { start: initrdAt.start, size: initrdSize } }),
  });
  const stubBytes = makeStub({
    address: stub.start,
    kernel: kernelAt,
    entry: kernelAt.start + (unpacked?.entry ?? ENTRY_64),
    bootParams: params,
  });
  return [
    ...placer.array,
    { ...purgatory, name: 'purgatory', bytes: new Uint8Array(0) },
    { ...params, name: 'boot parameters', bytes: paramsBytes },
    { ...kernelAt, name: 'kernel', bytes: unpacked?.bytes ?? kernel.payload },
    ...(initrdAt && initrd ? [{ ...initrdAt, name: 'initrd' as const, bytes: initrd }] : []),
    { ...stub, name: 'entry stub', bytes: stubBytes },
  ];
}

/** The segments of a kernel file. @throws KhoforgeError of parseBzImage(), loadSegments() */
export function placeSegments(
  image: Image,
  { kernel: file, kernelFile, cmdline, initrd, unpacks }: KernelOptions,
  findMachine: () => Machine,
): PlacedSegments {
  const kernel = parseBzImage(file, kernelFile);
  const machine = findMachine();
  const unpacked = unpacks ? unpackKernel(kernel, file) : undefined;
  const segments = loadSegments(image, {
    kernel,
    cmdline,
    machine,
    ...(unpacked && { unpacked }),
    ...(initrd && { initrd }),
  });
  return { segments, machine, kernelVersion: kernel.version };
}

/** A kernel that cannot be moved has its place before everything else. */
function fixedKernel(placer: Placer, kernel: BzImage, size: bigint): Placed {
  const name = `kernel ${kernelRelease(kernel) ?? ''}`.trimEnd();
  return placer.fix(name, { start: kernel.prefAddress, size }, 'not relocatable: pref_address');
}
