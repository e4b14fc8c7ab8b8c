import { KhoforgeError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import type { Machine } from '../memory/machine.ts';
import { isWithin, type Region, regionEnd } from '../memory/regions.ts';
import { alignDown, alignUp, hex, humanSize, overlaps } from '../numbers.ts';
import { bootParamsSize, e820Table, encodeBootParams } from './boot-params.ts';
import { type BzImage, kernelRelease } from './bzimage.ts';
import { type PlaceRequest, placeSegment } from './place.ts';
import { makeStub, stubSize } from './pvh-stub.ts';

/** One thing that is in memory when the kernel starts, beside what the producer preserved. */
export interface Segment {
  readonly name: 'scratch array' | 'entry stub' | 'boot parameters' | 'kernel' | 'initrd';
  readonly start: bigint;
  /** Bytes of memory it takes; a kernel takes more than its bytes. */
  readonly size: bigint;
  /** The rule that put it there, for people. */
  readonly why: string;
  /** Empty for the scratch array, which the image holds. */
  readonly bytes: Uint8Array;
}

export interface LoadOptions {
  readonly kernel: BzImage;
  readonly initrd?: Uint8Array;
  readonly cmdline: string;
  readonly machine: Machine;
}

/*
 * Limits of the buffers, as kexec_file_load() sets them (7.3, arch/x86/kernel/kexec-bzimage64.c: MIN_PURGATORY_ADDR,
 * MIN_BOOTPARAM_ADDR, MIN_KERNEL_LOAD_ADDR, MIN_INITRD_LOAD_ADDR). Nothing has an upper limit, except that the
 * stub is entered in 32-bit mode.
 */
const LOWEST_STUB = 0x3000n;
const LOWEST_BOOT_PARAMS = 0x3000n;
const LOWEST_KERNEL = 0x100000n;
const LOWEST_INITRD = 0x1000000n;
const LAST_32BIT_ADDRESS = 0xffffffffn;

/**
 * Places what kexec_file_load() would load, by its rules and in its order: scratch array, (purgatory), boot
 * parameters, kernel, initrd. There is no purgatory, since nothing has to be copied or checked; the entry stub
 * is in its place.
 * @throws KhoforgeError `KEXEC_NO_ROOM` when scratch is too small
 */
export function loadSegments(image: Image, options: LoadOptions): Segment[] {
  const { kernel, initrd, cmdline, machine } = options;
  const placer = new Placer(image, machine);
  const kernelSize = alignUp(kernel.initSize, BigInt(image.target.pageSize));
  const fixed = kernel.relocatable ? undefined : placer.fix(kernel, kernelSize);
  const stub = placer.place('entry stub', stubSize(kernelSize), {
    min: LOWEST_STUB,
    max: LAST_32BIT_ADDRESS,
  });
  const params = placer.place('boot parameters', bootParamsSize(cmdline), { min: LOWEST_BOOT_PARAMS });
  const min = kernel.prefAddress < LOWEST_KERNEL ? LOWEST_KERNEL : kernel.prefAddress;
  const kernelAt = fixed ?? placer.place('kernel', kernelSize, { min, align: kernel.kernelAlignment });
  const initrdSize = BigInt(initrd?.length ?? 0);
  const initrdAt = initrdSize > 0n ? placer.place('initrd', initrdSize, { min: LOWEST_INITRD }) : undefined;

  const paramsBytes = encodeBootParams({
    kernel,
    address: params.start,
    cmdline,
    e820: e820Table(image.ram, machine),
    bootRecord: image.bootRecord,
    target: image.target,
    ...(initrdAt && { initrd: { start: initrdAt.start, size: initrdSize } }),
  });
  const stubBytes = makeStub({ address: stub.start, kernel: kernelAt, bootParams: params });
  return [
    ...placer.array,
    { ...stub, name: 'entry stub', bytes: stubBytes },
    { ...params, name: 'boot parameters', bytes: paramsBytes },
    { ...kernelAt, name: 'kernel', bytes: kernel.payload },
    ...(initrdAt && initrd ? [{ ...initrdAt, name: 'initrd' as const, bytes: initrd }] : []),
  ];
}

type Limits = Pick<PlaceRequest, 'min' | 'max' | 'align'>;
type Placed = Region & { why: string };

/** Scratch, and what is placed in it so far. */
class Placer {
  readonly #image: Image;
  readonly #occupied: Region[];

  constructor(image: Image, machine: Machine) {
    this.#image = image;
    // The scratch array, and whatever a deliberately wrong image has in scratch: that is to reach the kernel too.
    // After a kexec no firmware runs; here what is loaded where it works would be lost.
    this.#occupied = image.memory.extents
      .map(({ start, bytes }) => wholePages(start, BigInt(bytes.length), BigInt(image.target.pageSize)))
      .filter((extent) => image.scratch.some((area) => regionsOverlap(area, extent)))
      .concat(machine.scribbled);
  }

  /** The scratch array, when it is where a kernel puts it. */
  get array(): Segment[] {
    const { scratchAddr: start, scratchSize: size } = this.#image.bootRecord;
    if (!isWithin(this.#image.scratch, start, start + size)) return [];
    return [{ name: 'scratch array', start, size, why: 'part of the handover', bytes: new Uint8Array(0) }];
  }

  place(name: Segment['name'], size: bigint, limits: Limits): Placed {
    const { scratch, target } = this.#image;
    const { pageSize } = target;
    const at = placeSegment({
      scratch,
      occupied: this.#occupied,
      memsz: size,
      topDown: true,
      pageSize,
      ...limits,
    });
    if (at === undefined) throw this.#noRoom(name, size, limits);
    this.#occupied.push(wholePages(at, size, BigInt(pageSize)));
    const entry = scratch.findIndex((area) => isWithin([area], at, at + size));
    return { start: at, size, why: `highest place in scratch[${entry}]${describeLimits(limits)}` };
  }

  /** A kernel that cannot be moved has its place before everything else. */
  fix(kernel: BzImage, size: bigint): Placed {
    const region = { start: kernel.prefAddress, size };
    const inScratch = isWithin(this.#image.scratch, region.start, regionEnd(region));
    if (!inScratch || this.#occupied.some((taken) => regionsOverlap(taken, region))) {
      const name = `kernel ${kernelRelease(kernel) ?? ''}`.trimEnd();
      const place = `${hex(region.start)}-${hex(regionEnd(region))}`;
      const message = `${name} is not relocatable: scratch must hold ${place} (${humanSize(size)}) for it`;
      throw this.#error(message, `add a scratch region over ${place}, or build with CONFIG_RELOCATABLE=y`);
    }
    this.#occupied.push(region);
    return { ...region, why: 'not relocatable: pref_address' };
  }

  #noRoom(name: string, size: bigint, limits: Limits): KhoforgeError {
    const message = `no room in scratch for the ${name}: ${humanSize(size)} (${hex(size)})${describeLimits(limits)}`;
    return this.#error(message, 'enlarge `scratch` in the spec');
  }

  #error(message: string, hint: string): KhoforgeError {
    const areas = this.#image.scratch.map((area) => `${hex(area.start)}-${hex(regionEnd(area))}`).join(', ');
    const text = `${message}; scratch is ${areas || 'empty'}; kexec_file_load() would return -EADDRNOTAVAIL`;
    return new KhoforgeError('KEXEC_NO_ROOM', text, { where: { spec: 'scratch' }, hint });
  }
}

function describeLimits({ min, max, align }: Limits): string {
  const parts = [
    align === undefined ? '' : `, aligned to ${hex(align)}`,
    min === undefined ? '' : `, from ${hex(min)}`,
    max === undefined ? '' : `, to ${hex(max)}`,
  ];
  return parts.join('');
}

function wholePages(start: bigint, size: bigint, page: bigint): Region {
  const from = alignDown(start, page);
  return { start: from, size: alignUp(start + size, page) - from };
}

function regionsOverlap(a: Region, b: Region): boolean {
  return overlaps(a.start, regionEnd(a), b.start, regionEnd(b));
}
