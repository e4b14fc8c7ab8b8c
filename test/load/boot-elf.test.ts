import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../src/abi/target.ts';
import { KhoforgeError } from '../../src/base/errors.ts';
import { buildBootElf } from '../../src/load/boot-elf.ts';
import { type FakeKernel, fakeBzImage } from './fake-kernel.ts';
import { GiB, MiB, type SmallImage, smallImage } from './image.ts';
import { readElf } from './read-elf.ts';

interface Case extends SmallImage {
  kernel?: FakeKernel;
  initrd?: Uint8Array;
}

const build = ({ kernel, initrd, ...image }: Case = {}) =>
  buildBootElf(smallImage(image), {
    kernel: fakeBzImage(kernel),
    cmdline: 'kho=on',
    ...(initrd && { initrd }),
  });

const placed = (fields: Case) =>
  Object.fromEntries(build(fields).segments.map(({ name, start }) => [name, start]));

const failure = (fields: Case): KhoforgeError => {
  try {
    build(fields);
  } catch (error) {
    if (error instanceof KhoforgeError) return error;
    throw error;
  }
  throw new Error('was built');
};

describe('buildBootElf', () => {
  it('places everything in scratch, top-down, in the order of kexec_file_load', () => {
    const top = 80n * MiB;
    const kernelSize = 0x124000n; // init_size 0x123456, whole pages
    const { segments, machine } = build({ initrd: new Uint8Array(5000).fill(1) });
    const [array, purgatory, params, kernel, initrd, stub] = segments;
    expect(segments.map(({ name }) => name)).toEqual([
      'scratch array',
      'purgatory',
      'boot parameters',
      'kernel',
      'initrd',
      'entry stub',
    ]);
    expect(array).toMatchObject({ start: top - 0x10000n, size: 16n });
    // 15 pages are left above the array's: purgatory takes 5, parameters and initrd 2 each; the stub's 13 go below.
    expect(purgatory).toMatchObject({ start: top - 0x5000n, size: 0x5000n });
    expect(params).toMatchObject({ start: top - 0x7000n, size: 4096n + 48n + 112n + 48n + 48n });
    expect(kernel).toMatchObject({ start: top - 0x200000n, size: kernelSize });
    expect(initrd).toMatchObject({ start: top - 0x9000n, size: 5000n });
    expect(stub).toMatchObject({ start: top - 0x1d000n, size: 0xd000n });
    expect(machine).toMatchObject({ type: 'q35', size: 512n * MiB });
  });

  it('has the handover, the kernel and the initrd where they were placed', () => {
    const { elf, segments } = build({ initrd: new Uint8Array(5000).fill(0x77) });
    const at = (name: string) => segments.find((segment) => segment.name === name)?.start ?? -1n;
    const { entry, headers } = readElf(elf);
    const load = (phys: bigint) => headers.find((header) => header.type === 1 && header.phys === phys)?.bytes;
    expect(entry).toBe(at('entry stub'));
    expect(load(128n * MiB)?.every((byte) => byte === 0x5a)).toBe(true);
    expect(load(at('kernel'))?.every((byte) => byte === 0x90)).toBe(true);
    expect(load(at('kernel'))?.length).toBe(0x3000);
    expect(
      load(at('initrd'))
        ?.subarray(0, 5000)
        .every((byte) => byte === 0x77),
    ).toBe(true);
    expect(load(at('boot parameters'))?.toString('latin1', 0x202, 0x206)).toBe('HdrS');
    expect(load(at('entry stub'))?.[0]).toBe(0xfa);
  });

  it('puts parts above 4 GiB when scratch is there, but not the stub', () => {
    const scratch = [
      { start: 32n * MiB, size: 128n << 10n },
      { start: 5n * GiB, size: 64n * MiB },
    ];
    const places = placed({ memory: 6n * GiB, scratch, page: 4n * GiB });
    expect(places['entry stub']).toBeLessThan(4n * GiB);
    expect(places.kernel).toBeGreaterThan(4n * GiB);
    expect(placed({ memory: 6n * GiB, scratch: [...scratch].reverse() }).kernel).toBeGreaterThan(4n * GiB);
    expect(failure({ memory: 6n * GiB, scratch: scratch.slice(1) })).toMatchObject({ code: 'KEXEC_NO_ROOM' });
  });

  it('keeps clear of anything that a wrong image has in scratch', () => {
    const plain = placed({}).kernel ?? 0n;
    expect(placed({ page: plain + 0x1000n }).kernel).toBe(plain - 0x200000n);
  });

  it('names the buffer that does not fit, its size, and scratch', () => {
    const error = failure({ scratch: [{ start: 64n * MiB, size: MiB }] });
    expect(error).toMatchObject({ code: 'KEXEC_NO_ROOM', exitCode: 2, where: { spec: 'scratch' } });
    expect(error.message).toContain(
      'no room in scratch for the kernel: 1168 KiB (0x124000), aligned to 0x200000, from 0x1000000',
    );
    expect(error.message).toContain('scratch is 0x4000000-0x4100000');
    expect(error.message).toContain('-EADDRNOTAVAIL');
    expect(error.hint).toContain('enlarge `scratch`');
    const initrd = new Uint8Array(64 << 20).fill(1);
    expect(failure({ initrd }).message).toContain('no room in scratch for the initrd: 64 MiB');
  });

  it('keeps a kernel that is not relocatable at its address, or says that scratch must hold it', () => {
    const kernel = { relocatable: false };
    expect(placed({ kernel }).kernel).toBe(16n * MiB);
    const error = failure({ kernel, scratch: [{ start: 32n * MiB, size: 64n * MiB }] });
    expect(error.code).toBe('KEXEC_NO_ROOM');
    expect(error.message).toContain(
      'kernel 7.3.4 is not relocatable: scratch must hold 0x1000000-0x1124000 (1168 KiB) for it',
    );
    expect(failure({ kernel, page: 17n * MiB }).message).toContain('is not relocatable');
  });

  it('refuses bytes that would not reach the kernel', () => {
    for (const page of [0x10000n, 512n * MiB - 0x20000n, 1n * GiB]) {
      const error = failure({ page });
      expect(error).toMatchObject({ code: 'OUTSIDE_RAM', where: { phys: page } });
      expect(error.message).toContain('0x100000-0x1ffe0000');
    }
    expect(build({ page: 512n * MiB - 0x21000n }).segments.length).toBe(5);
  });

  it('keeps out of where the firmware works before the kernel starts', () => {
    const firmware = { start: 0x1efc0000n, size: 0x40000n };
    for (const page of [firmware.start, firmware.start + firmware.size - 0x1000n]) {
      expect(failure({ page })).toMatchObject({ code: 'OUTSIDE_RAM', where: { phys: page } });
    }
    // Above it there is room for the small parts only; the highest place for the others reaches into it.
    const scratch = [{ start: 0x1e000000n, size: 0x1100000n }];
    const { segments } = build({ scratch, initrd: new Uint8Array(1 << 20).fill(1) });
    for (const { start, size } of segments) {
      expect(start + size <= firmware.start || start >= firmware.start + firmware.size).toBe(true);
    }
    const initrd = segments.find(({ name }) => name === 'initrd');
    expect(initrd?.start).toBe(0x1ed00000n); // below the kernel at 0x1ee00000
  });

  it('refuses what it cannot boot', () => {
    const arm64 = { ...smallImage(), target: makeTarget({ arch: 'arm64' }) };
    const kernel = fakeBzImage();
    expect(() => buildBootElf(arm64, { kernel, cmdline: '' })).toThrow('the kernel is an x86 bzImage');
    expect(() => buildBootElf(smallImage(), { kernel, cmdline: '', memory: 256n * MiB })).toThrow(
      'no QEMU machine with 256 MiB of memory',
    );
  });
});
