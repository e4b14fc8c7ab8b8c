import type { PageSize } from '../abi/arch.ts';
import type { Target } from '../abi/target.ts';
import type { CommandLine } from '../base/command-line.ts';
import type { Machine } from '../memory/machine.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { Region } from '../memory/regions.ts';
import type { BootRecord, HandoverAddresses, Image } from '../model/image.ts';
import type { Segment } from './placer.ts';
import type { Unpacking } from './unpack-list.ts';
import type { KernelImage } from './x86_64/kernel-image.ts';

/** All that khoforge does otherwise for one architecture than for another. */
export interface Architecture {
  /** e_machine of elf(5). */
  readonly elfMachine: number;
  readonly toolchain: Toolchain;
  readonly kbuild: Kbuild;
  readonly emulator: Emulator;
  /** Preserved memory below this address is lost: a receiver uses it before it reads the memory map. */
  readonly lowestPreserved: bigint;
  /** Whether a read of an address where nothing is gives bytes, of which none look like a header. */
  readonly readsAnywhere: boolean;
  /** Whether a kernel dies of memory that is above all RAM, and of no node: sparse_init() (mm/sparse.c, 6.18 to 7.3). */
  readonly diesOfMemoryAboveRam: boolean;
  /** Whether src/simulator/stub is made for it. */
  readonly isSimulated: boolean;
  /**
   * Pages that early_memremap() maps at most: NR_FIX_BTMAPS of asm/fixmap.h.
   * @param spare whether the release has one for what begins within a page
   */
  earlyMappingPages(pageSize: number, spare: boolean): number;

  /** How its receivers learn of a handover. */
  readonly recordKind: Exclude<BootRecord['kind'], 'none'>;
  /** The boot record of a kernel that hands over. */
  bootRecord(target: Target, addresses: HandoverAddresses): BootRecord;

  /** A kernel that says where its parameters are, and stops. */
  stopKernel(): Uint8Array;
  /** The boot record that a kernel with its parameters there gets; undefined where nothing is handed over. */
  recordOf(memory: PhysicalMemory, parameters: bigint): BootRecord | undefined;

  /** What is left of RAM by a kernel's command line: `mem=`, and what else the architecture has. */
  lessRam(ram: readonly Region[], cmdline: CommandLine): Region[];

  /** RAM that a kernel may use on the QEMU machine that khoforge boots, with `size` bytes of guest memory. */
  machineRam(size: bigint): Region[];

  /**
   * The smallest QEMU machine that has all of `ram`.
   * @param size bytes of guest memory, when the user asks for more than needed
   * @throws KhoforgeError `RAM_NOT_QEMU` when no machine has RAM there
   */
  machineFor(ram: readonly Region[], size?: bigint): Machine;

  /**
   * Kernel, initrd and what leads to them, where kexec_file_load() would put them.
   * @param machine asked for when the kernel is known to be one of the architecture
   * @throws KhoforgeError `KERNEL_NOT_BZIMAGE`, `KERNEL_NOT_IMAGE`, `KERNEL_UNSUPPORTED`, `KEXEC_NO_ROOM`, and of both
   *   `machine` and `machineTree`
   */
  placeSegments(image: Image, options: KernelOptions, machine: () => Machine): PlacedSegments;
  /** Whether a file is a kernel of this architecture, by its magic numbers. */
  isKernel(bytes: Uint8Array): boolean;
  /**
   * What a kernel's file says of it.
   * @throws KhoforgeError `KERNEL_NOT_BZIMAGE`, `KERNEL_NOT_IMAGE`, `KERNEL_UNSUPPORTED`
   */
  readKernel(bytes: Uint8Array, file: string): { readonly version: string; readonly pageSize: PageSize };
  /** The segment whose address the kernel is started with. */
  readonly parameters: Segment['name'];
  /**
   * Address that a kernel's own unpacker runs at, by the kernel's file, its address, and that of `_end` in the unpacker;
   * undefined where kernels have none.
   */
  readonly unpackerAddress: ((kernel: Uint8Array, loaded: bigint, end: bigint) => bigint) | undefined;
  readonly bootElf: BootElfNeeds;
  readonly unpackStub: UnpackStub;

  /** ARCH_LOW_ADDRESS_LIMIT, which lowmem scratch ends at or below, on a machine with this RAM. */
  lowAddressLimit(ram: readonly Region[]): bigint;

  /** Kernels are loaded at multiples of it. */
  readonly kernelAlign: bigint;
  readonly directMap: DirectMap;
  /** RAM that the kernel knows of, by a page of memory that may be boot_params; nothing where there are none. */
  bootParamsRam(memory: PhysicalMemory, phys: bigint, page: bigint): Region[];
  /** Of all memory in QEMU's dump of a guest the part that the firmware leaves to a kernel. */
  withoutFirmware(memory: readonly Region[]): Region[];
  /** Reads a vmlinux, for a core that debuggers want the kernel's image in; undefined where that cannot be made. */
  readonly readKernelImage: ((path: string) => KernelImage) | undefined;

  /**
   * What csum_partial() adds up to, of a little-endian kernel.
   * @param words sum of the data's 32-bit words
   * @param sum the incoming one
   */
  csumPartial(words: bigint, sum: number): number;
}

/** Names by which compilers and packages call the architecture. */
export interface Toolchain {
  /** Of GNU: what a cross compiler begins with, and `gcc -dumpmachine` says. */
  readonly triple: string;
  /** Of Debian's packages. */
  readonly debian: string;
  /** Of Node: process.arch. */
  readonly node: string;
}

/** How its kernels are configured and built. */
export interface Kbuild {
  /** Folder of arch/ (Makefile: SRCARCH). */
  readonly srcarch: string;
  /** CONFIG_ options, without that prefix, that decide layouts, with their values: a build's defaults. */
  readonly options: readonly string[];
  /** Its own option for a page size of so many KiB, beside CONFIG_PAGE_SIZE_…KB; undefined when it has none. */
  pageOption(kib: number): string | undefined;
}

/** QEMU for it. */
export interface Emulator {
  readonly program: string;
  /** Debian's that has it. */
  readonly package: string;
  /**
   * Kernel parameters for its machines: those that give the serial console, for a kernel that dies early too, and what
   * a kernel must not take for a fault of the hardware when the host is busy.
   */
  readonly parameters: string;
  /** More that leave out what takes long and no handover meets. */
  readonly leanParameters: string;
}

/** What is loaded beside the handover. */
export interface KernelOptions {
  readonly kernel: Uint8Array;
  readonly initrd?: Uint8Array;
  readonly cmdline: string;
  /** Gives the device tree of the machine, as QEMU dumps it, where kernels are started with one. */
  readonly machineTree?: (machine: Machine) => Uint8Array;
  /** Name of the kernel file, for messages. */
  readonly kernelFile?: string;
  /** Unpacks a kernel that would unpack itself, where that is known to come to the same. */
  readonly unpacks?: boolean;
}

/** What goes into memory beside the handover. */
export interface PlacedSegments {
  /** In the order they were placed. */
  readonly segments: readonly Segment[];
  readonly machine: Machine;
  /** Version text of the kernel file; may be empty. */
  readonly kernelVersion: string;
}

/** What an ELF file has to have for QEMU to load it with `-kernel` and to enter it. */
export interface BootElfNeeds {
  /** An ELF note that gives the entry address; empty where QEMU reads the ELF header's. */
  note(entry: bigint): Uint8Array;
  /** Whether something has to be loaded at the start of RAM, where QEMU would put a device tree of its own. */
  readonly fillsStartOfRam: boolean;
}

/** Code that kexec_load(2) enters: it unpacks the handover and enters the kernel. */
export interface UnpackStub {
  /** Bytes, with a list of so many pieces. */
  size(pieces: number, mapped: readonly Region[]): bigint;
  make(unpacking: Unpacking): Uint8Array;
}

/** Where a kernel maps all memory. */
export interface DirectMap {
  /** Variables of the kernel that say it; not every kernel has them. */
  readonly variables: readonly string[];
  /** @param read value of a variable, when the kernel has it */
  places(read: (variable: string) => bigint | undefined): {
    /** Virtual addresses where it may begin. */
    readonly bases: readonly bigint[];
    /** Physical address of what is there. */
    readonly start: bigint;
  };
}
