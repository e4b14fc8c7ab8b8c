import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../../src/abi/target.ts';
import { parseArm64Image } from '../../../src/arch/arm64/image.ts';
import { virtMachine, virtRam } from '../../../src/arch/arm64/machine.ts';
import { loadArm64Segments } from '../../../src/arch/arm64/segments.ts';
import { buildBootElf } from '../../../src/load/boot-elf.ts';
import type { Region } from '../../../src/memory/regions.ts';
import type { Image } from '../../../src/model/image.ts';
import { GiB, MiB, smallImage } from '../../load/image.ts';
import { readElf } from '../../load/read-elf.ts';
import { codeOf } from '../../thrown.ts';

const TEXT_OFFSET = 0x80000n;

/** An Image of 1 MiB that takes `size` bytes of memory (Documentation/arch/arm64/booting.rst, 7.3). */
function fakeImage(size = 4n * MiB, textOffset = 0n): Buffer {
  const kernel = Buffer.alloc(1 << 20, 0x41);
  kernel.writeBigUInt64LE(textOffset, 8);
  kernel.writeBigUInt64LE(size, 16);
  kernel.write('ARM\x64', 56, 'latin1');
  kernel.write('Linux version 7.3.4 (me@here)\n\0', 4096, 'latin1');
  return kernel;
}

const TREE = execFileSync('dtc', ['-I', 'dts', '-O', 'dtb'], {
  input: `/dts-v1/; / {
    #address-cells = <2>; #size-cells = <2>; compatible = "linux,dummy-virt";
    memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x40000000>; };
    psci { method = "hvc"; };
    chosen { stdout-path = "/pl011"; rng-seed = <1 2 3>; kaslr-seed = <4 5>; };
  };`,
  stdio: ['pipe', 'pipe', 'ignore'],
});

const dtsOf = (bytes: Uint8Array) =>
  execFileSync('dtc', ['-I', 'dtb', '-O', 'dts'], {
    input: bytes,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });

const at = (start: bigint, size: bigint): Region => ({ start: GiB + start, size });

function arm64Image(scratch: readonly Region[]): Image {
  const image = smallImage({ scratch, page: GiB + 512n * MiB });
  const { fdtAddr, fdtSize, scratchAddr, scratchSize } = image.bootRecord;
  const bootRecord = { kind: 'chosen', fdtAddr, fdtSize, scratchAddr, scratchSize } as const;
  return { ...image, target: makeTarget({ arch: 'arm64' }), ram: virtRam(GiB), bootRecord };
}

function load(scratch: readonly Region[], initrd = 0, kernel: Buffer = fakeImage()) {
  const image = arm64Image(scratch);
  const segments = loadArm64Segments(image, {
    kernel: parseArm64Image(kernel),
    cmdline: 'console=ttyAMA0',
    machine: virtMachine(image.ram),
    machineTree: TREE,
    ...(initrd > 0 && { initrd: new Uint8Array(initrd) }),
  });
  return Object.fromEntries(segments.map((segment) => [segment.name, segment]));
}

describe('placement on arm64', () => {
  it('kernel lowest, initrd behind it, device tree highest, all in the first region with room', () => {
    const found = load([at(64n * MiB, 64n * MiB), at(256n * MiB, 64n * MiB)], 0x12345);
    expect(found.kernel?.start).toBe(GiB + 64n * MiB);
    expect(found.initrd?.start).toBe(GiB + 68n * MiB);
    expect(found['device tree']?.start).toBe(GiB + 126n * MiB);
    expect(found['scratch array']?.start).toBe(GiB + 128n * MiB - 0x10000n);
  });

  it('an Image with a text offset begins behind it', () => {
    const found = load([at(64n * MiB, 64n * MiB)], 0, fakeImage(4n * MiB, TEXT_OFFSET));
    expect(found.kernel).toMatchObject({ start: GiB + 64n * MiB + TEXT_OFFSET, size: 4n * MiB });
  });

  it('begins again with the kernel further on, when the rest has no room behind it', () => {
    // The kernel fits into the first region; behind it there is nothing but what is below, which is not looked at.
    const found = load([at(512n * MiB + 2n * MiB, 6n * MiB), at(600n * MiB, 64n * MiB)], 8 << 20);
    expect(found.kernel?.start).toBe(GiB + 514n * MiB);
    expect(found.initrd?.start).toBe(GiB + 600n * MiB);
    // A lower region that comes later is never looked at (4.4.14 of docs/kho-facts.md).
    expect(codeOf(() => load([at(600n * MiB, 6n * MiB), at(64n * MiB, 64n * MiB)], 8 << 20))).toBe(
      'KEXEC_NO_ROOM',
    );
    expect(codeOf(() => load([at(64n * MiB, 4n * MiB)]))).toBe('KEXEC_NO_ROOM');
  });

  it('/chosen holds the handover, initrd and command line, and no seeds', () => {
    const found = load([at(64n * MiB, 64n * MiB)], 0x12345);
    const dts = dtsOf(found['device tree']?.bytes ?? new Uint8Array());
    const array = (GiB + 128n * MiB - 0x10000n).toString(16);
    expect(dts).toContain('linux,kho-fdt = <0x00 0x8000000 0x00 0x1000>;');
    expect(dts).toContain(`linux,kho-scratch = <0x00 0x${array} 0x00 0x10>;`);
    expect(dts).toContain('linux,initrd-start = <0x00 0x44400000>;');
    expect(dts).toContain('linux,initrd-end = <0x00 0x44412345>;');
    expect(dts).toContain('bootargs = "console=ttyAMA0";');
    expect(dts).toContain('stdout-path = "/pl011";');
    expect(dts).not.toMatch(/seed/);
  });
});

describe('a boot ELF for arm64', () => {
  it('is for QEMU as it is: loads, an entry in scratch, and the start of RAM taken', () => {
    const image = arm64Image([at(64n * MiB, 64n * MiB)]);
    const { elf, machine, kernelVersion } = buildBootElf(image, {
      kernel: fakeImage(),
      cmdline: '',
      machineTree: () => TREE,
    });
    expect([machine.type, machine.size, kernelVersion]).toEqual(['virt', GiB, '7.3.4 (me@here)']);
    const { entry, machine: elfMachine, headers } = readElf(elf);
    expect(elfMachine).toBe(183);
    expect(headers.find(({ type }) => type === 1)).toMatchObject({ phys: GiB });
    const stub = headers.find(({ phys, bytes }) => phys <= entry && entry < phys + BigInt(bytes.length));
    // ldr x0, 0x20: what follows is judged by the kernels that it starts (test/kernel/arm64.test.ts).
    expect(stub?.bytes.readUInt32LE(Number(entry - (stub?.phys ?? 0n)))).toBe(0x58000100);
  });

  it.each([
    ['a bzImage', Buffer.from(`${'\0'.repeat(0x202)}HdrS${'\0'.repeat(512)}`, 'latin1'), 'an x86 bzImage'],
    ['a compressed Image', Buffer.from(`\x1f\x8b${'\0'.repeat(512)}`, 'latin1'), 'gunzip'],
    ['something short', Buffer.alloc(10), 'no arm64 Image'],
    ['a header that lies', fakeImage(1n << 50n), 'a size of 0x4000000000000'],
    ['an old one without a size', fakeImage(0n), 'a size of 0x0'],
  ])('refuses %s', (_what, kernel, message) => {
    const image = arm64Image([at(64n * MiB, 64n * MiB)]);
    const build = () => buildBootElf(image, { kernel, cmdline: '', machineTree: () => TREE });
    expect(codeOf(build)).toBe('KERNEL_NOT_IMAGE');
    expect(build).toThrow(message);
  });

  it('refuses RAM that the virt machine has not', () => {
    const image = { ...arm64Image([at(64n * MiB, 64n * MiB)]), ram: [{ start: 0n, size: GiB }] };
    expect(
      codeOf(() => buildBootElf(image, { kernel: fakeImage(), cmdline: '', machineTree: () => TREE })),
    ).toBe('RAM_NOT_QEMU');
  });
});
