import type { Architecture } from './architecture.ts';
import { onesComplement } from './checksum.ts';
import { isBzImage, kernelRelease, parseBzImage } from './x86_64/bzimage.ts';
import { e820Ram, withoutFirmware } from './x86_64/dump-ram.ts';
import { EM_X86_64, readKernelImage } from './x86_64/kernel-image.ts';
import { lessRam } from './x86_64/less-ram.ts';
import { pcMachine, pcRam } from './x86_64/machine.ts';
import { pvhNote } from './x86_64/pvh-note.ts';
import { placeSegments } from './x86_64/segments.ts';
import { setupDataRecord } from './x86_64/setup-data.ts';
import { recordOfBootParams, stopKernel } from './x86_64/stop-kernel.ts';
import { makeUnpackStub, unpackStubSize } from './x86_64/unpack.ts';
import { unpackerAddress } from './x86_64/unpacker.ts';

export const x86_64: Architecture = {
  elfMachine: EM_X86_64,
  toolchain: { triple: 'x86_64-linux-gnu', debian: 'amd64', node: 'x64' },
  kbuild: {
    srcarch: 'x86',
    options: ['X86 1', 'X86_64 1', 'PGTABLE_LEVELS 5', 'PHYSICAL_START 0x1000000', 'PHYSICAL_ALIGN 0x200000'],
    pageOption: () => undefined,
  },
  emulator: {
    program: 'qemu-system-x86_64',
    package: 'qemu-system-x86',
    // Where the host gives QEMU no time for ten ticks, a kernel without the last panics with "IO-APIC + timer doesn't
    // work!" (arch/x86/kernel/apic/io_apic.c: timer_irq_works(), check_timer(), 7.3).
    parameters: 'console=ttyS0 earlyprintk=serial,ttyS0,115200 no_timer_check',
    // The local timer is measured for 100 ms in which the processor runs (arch/x86/kernel/apic/apic.c:
    // calibrate_APIC_clock(), 7.3); the clock ticks without it.
    leanParameters: 'nolapic_timer',
  },
  // The first MiB is scratch until the real-mode trampoline is in it (arch/x86/kernel/e820.c: e820__memblock_setup(), 7.3).
  lowestPreserved: 1n << 20n,
  readsAnywhere: true,
  diesOfMemoryAboveRam: true,
  isSimulated: true,
  earlyMappingPages: () => 64,

  recordKind: 'setup_data',
  bootRecord: setupDataRecord,
  stopKernel,
  recordOf: recordOfBootParams,

  lessRam,
  machineRam: pcRam,
  machineFor: pcMachine,

  placeSegments,
  isKernel: isBzImage,
  readKernel: (bytes, file) => ({ version: kernelRelease(parseBzImage(bytes, file)) ?? '', pageSize: 4096 }),
  parameters: 'boot parameters',
  unpackerAddress,
  bootElf: { note: pvhNote, fillsStartOfRam: false },
  unpackStub: { size: unpackStubSize, make: makeUnpackStub },

  // The last byte of the first 4 GiB (include/linux/memblock.h, 7.3).
  lowAddressLimit: () => (1n << 32n) - 1n,

  kernelAlign: 2n << 20n, // MIN_KERNEL_ALIGN (arch/x86/include/asm/boot.h, 7.3)
  // page_offset_base, or a constant by the paging levels (PAGE_OFFSET, arch/x86/include/asm/page_64_types.h, 7.3).
  directMap: {
    variables: ['page_offset_base'],
    places(read) {
      const base = read('page_offset_base');
      const constants = [0xffff888000000000n, 0xff11000000000000n];
      return { bases: base === undefined ? constants : [base, ...constants], start: 0n };
    },
  },
  bootParamsRam: e820Ram,
  withoutFirmware,
  readKernelImage,

  // Data and incoming sum together fold to 32 bits (arch/x86/lib/csum-partial_64.c, 7.3).
  csumPartial: (words, sum) => onesComplement(words + BigInt(sum), 0xffffffffn),
};
