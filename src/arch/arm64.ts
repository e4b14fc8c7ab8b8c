import { regionEnd } from '../memory/regions.ts';
import type { Architecture } from './architecture.ts';
import { readChosen } from './arm64/chosen.ts';
import { isArm64Image, parseArm64Image } from './arm64/image.ts';
import { lessRam } from './arm64/less-ram.ts';
import { virtMachine, virtRam } from './arm64/machine.ts';
import { placeSegments } from './arm64/segments.ts';
import { stopKernel } from './arm64/stop-kernel.ts';
import { makeUnpackStub, unpackStubSize } from './arm64/unpack.ts';
import { onesComplement } from './checksum.ts';

export const arm64: Architecture = {
  elfMachine: 183, // EM_AARCH64
  toolchain: { triple: 'aarch64-linux-gnu', debian: 'arm64', node: 'arm64' },
  kbuild: {
    srcarch: 'arm64',
    options: ['ARM64 1', 'ARM64_VA_BITS 48', 'ARM64_PA_BITS 48', 'PGTABLE_LEVELS 3'],
    pageOption: (kib) => `ARM64_${kib}K_PAGES`,
  },
  emulator: {
    program: 'qemu-system-aarch64',
    package: 'qemu-system-arm',
    parameters: 'console=ttyAMA0 earlycon=pl011,0x9000000',
    leanParameters: '', // there is a device tree alone, and nothing is measured
  },
  lowestPreserved: 0n,
  readsAnywhere: false,
  // What is out of the linear mapping's reach is left out (arm64_memblock_init(), arch/arm64/mm/init.c, 7.3).
  diesOfMemoryAboveRam: false,
  isSimulated: false,
  earlyMappingPages: (pageSize, spare) => (256 << 10) / pageSize + (spare ? 1 : 0),

  recordKind: 'chosen',
  bootRecord: (_target, addresses) => ({ kind: 'chosen', ...addresses }),
  stopKernel,
  recordOf: readChosen,

  lessRam,
  machineRam: virtRam,
  machineFor: virtMachine,

  placeSegments,
  isKernel: isArm64Image,
  readKernel(bytes, file) {
    const { version, pageSize } = parseArm64Image(bytes, file);
    return { version: version.split(' ')[0] ?? '', pageSize };
  },
  parameters: 'device tree',
  unpackerAddress: undefined, // an Image is not packed
  // It is entered with all registers 0 and the MMU off (QEMU hw/arm/boot.c: do_cpu_reset()), its tree put at the start of
  // RAM where nothing is loaded (arm_setup_direct_kernel_boot()); tried on QEMU 7.2.
  bootElf: { note: () => new Uint8Array(), fillsStartOfRam: true },
  unpackStub: { size: unpackStubSize, make: makeUnpackStub },

  // The last byte of the DMA zone, which may end with RAM (arch/arm64/mm/init.c: max_zone_phys(), 7.3).
  lowAddressLimit(ram) {
    const limit = 1n << 32n;
    const last = ram.toSorted((a, b) => (a.start < b.start ? -1 : 1)).at(-1);
    return (last && regionEnd(last) < limit ? regionEnd(last) : limit) - 1n;
  },

  kernelAlign: 2n << 20n, // MIN_KIMG_ALIGN (arch/arm64/include/asm/boot.h, 7.3)
  // It follows from the bits of a virtual address (PAGE_OFFSET, arch/arm64/include/asm/memory.h, 7.3).
  directMap: {
    variables: ['memstart_addr'],
    places: (read) => ({
      bases: [39n, 42n, 47n, 48n, 52n].map((bits) => (1n << 64n) - (1n << bits)),
      start: read('memstart_addr') ?? 0n,
    }),
  },
  bootParamsRam: () => [],
  withoutFirmware: (memory) => [...memory], // the virt machine has none
  readKernelImage: undefined,

  // The data folds to 16 bits first, then the sum is added (lib/checksum.c: csum_partial(), arch/arm64/lib/csum.c: do_csum(), 7.3).
  csumPartial: (words, sum) =>
    onesComplement(BigInt(onesComplement(words, 0xffffn)) + BigInt(sum), 0xffffffffn),
};
