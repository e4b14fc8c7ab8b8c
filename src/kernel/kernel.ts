import { type RootNames, rootNames } from '../abi/root-names.ts';
import { makeTarget, type Target } from '../abi/target.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { unionOf } from '../memory/intervals.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { isWithin, type Region, regionEnd } from '../memory/regions.ts';
import type { Image } from '../model/image.ts';
import { Boot } from './boot.ts';
import { KernelFdt, usedBytes } from './libfdt.ts';
import type { Receiver } from './receivers.ts';

/** Most of an FDT that is read; no kernel writes one that is larger than a page. */
const MAX_FDT_BYTES = 256 << 10;

/** One receiving kernel with one image in its memory: what every stage can look at, and none can change. */
export class Kernel {
  readonly image: Image;
  readonly receiver: Receiver;
  /** The receiver's: it reads the image by its own layouts. */
  readonly target: Target;
  readonly names: RootNames;
  /** RAM by ascending address, neighbours merged; none where it is not known, or only guessed. */
  readonly ram: readonly Region[];

  readonly boot: Boot;

  constructor(image: Image, receiver: Receiver, boot = new Boot()) {
    this.image = image;
    this.receiver = receiver;
    const { generation, release, tree } = receiver;
    this.target = makeTarget({ ...image.target, generation, release, tree });
    this.names = rootNames(this.target.abi);
    this.boot = boot;
    const ram = image.ramGuessed ? [] : unionOf(image.ram);
    this.ram = ARCHITECTURES[this.target.arch].lessRam(ram, boot.cmdline);
  }

  /** The same kernel with another memory of the same bytes. */
  withMemory(memory: PhysicalMemory): Kernel {
    return new Kernel({ ...this.image, memory }, this.receiver, this.boot);
  }

  get pageSize(): bigint {
    return BigInt(this.target.pageSize);
  }

  /** Whether all of [start, end) is RAM; true where the image does not record its RAM. */
  inRam(start: bigint, end: bigint): boolean {
    return this.ram.length === 0 || isWithin(this.ram, start, end);
  }

  /**
   * Whether the page structures of [start, end) exist: a section has them as soon as any of it is RAM
   * (arch/x86/include/asm/sparsemem.h, arch/arm64/include/asm/sparsemem.h, 7.3: SECTION_SIZE_BITS).
   */
  hasStructPages(start: bigint, end: bigint): boolean {
    if (this.ram.length === 0) return true;
    const bits = BigInt({ 12: 27, 14: 27, 16: 29 }[this.target.pageShift]);
    const known = (section: bigint) =>
      this.ram.some(
        (region) => region.start >> bits <= section && section <= (regionEnd(region) - 1n) >> bits,
      );
    return known(start >> bits) && known((end - 1n) >> bits);
  }

  /**
   * Whether the kernel faults as it reads there: only RAM is in its direct map, and what it knows below that
   * (arch/x86/mm/init.c: init_mem_mapping(), arch/arm64/mm/mmu.c: map_mem(), 7.3).
   */
  faultsAt(start: bigint, end: bigint): boolean {
    return !this.inRam(start, end) && end > ARCHITECTURES[this.target.arch].lowestPreserved;
  }

  /** What the kernel reads at an address: bytes that the image does not have are zero. */
  read(start: bigint, length: number): Uint8Array {
    return this.image.memory.read(start, length);
  }

  fdtAt(phys: bigint): KernelFdt {
    const bytes = this.image.memory.readAhead(phys, MAX_FDT_BYTES);
    this.read(phys, Math.min(usedBytes(bytes), MAX_FDT_BYTES));
    return new KernelFdt(bytes, phys);
  }
}
