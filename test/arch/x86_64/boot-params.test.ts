import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTarget } from '../../../src/abi/target.ts';
import {
  type BootParams,
  bootParamsSize,
  e820Table,
  encodeBootParams,
} from '../../../src/arch/x86_64/boot-params.ts';
import { parseBzImage } from '../../../src/arch/x86_64/bzimage.ts';
import { pcMachine, pcRam } from '../../../src/arch/x86_64/machine.ts';
import { fakeBzImage } from '../../load/fake-kernel.ts';
import { runToolOk } from '../../oracle/tools.ts';

const MiB = 1n << 20n;
const ram = pcRam(512n * MiB);
const record = {
  kind: 'setup_data',
  fdtAddr: 0x1122334455667000n,
  fdtSize: 4096n,
  scratchAddr: 0x8877665544332000n,
  scratchSize: 48n,
  setupDataType: 10,
  setupDataLen: 32,
} as const;
const params: BootParams = {
  kernel: parseBzImage(fakeBzImage()),
  address: 0x1_2345_6000n,
  cmdline: 'console=ttyS0 kho=on',
  initrd: { start: 0x2_3456_7000n, size: 0x1_0000_0001n },
  e820: e820Table(ram, pcMachine(ram)),
  bootRecord: record,
  target: makeTarget(),
};

describe('encodeBootParams', () => {
  // The UAPI header of x86 is only installed on x86.
  describe.skipIf(process.arch !== 'x64')('read through the kernel header', () => {
    let directory = '';
    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), 'khoforge-test-'));
      const source = join(import.meta.dirname, 'boot_params_oracle.c');
      runToolOk('cc', ['-Wall', '-Werror', '-o', join(directory, 'oracle'), source]);
    });
    afterAll(() => rmSync(directory, { recursive: true }));

    it('has every field where the kernel looks for it', () => {
      const printed = runToolOk(join(directory, 'oracle'), [], encodeBootParams(params)).toString();
      expect(printed.trimEnd().split('\n')).toEqual([
        'header HdrS',
        'version 0x20f',
        'sentinel 0',
        'loader 0xd0 0',
        'cmdline 0x123457000',
        'ramdisk 0x234567000 0x100000001',
        'setup_data 0x123457070',
        'e820 0 0x9f000 1',
        'e820 0x9f000 0x1000 2',
        'e820 0xf0000 0x10000 2',
        'e820 0x100000 0x1fe00000 1',
        'e820 0x1ff00000 0x100000 2',
        'e820 0xb0000000 0x10000000 2',
        'e820 0xfed1c000 0x4000 2',
        'e820 0xfffc0000 0x40000 2',
        'e820 0xfd00000000 0x300000000 2',
      ]);
    });
  });

  it('has the command line, then the records of KHO and of the seed, byte by byte', () => {
    const bytes = Buffer.from(encodeBootParams(params));
    expect(BigInt(bytes.length)).toBe(bootParamsSize(params.cmdline));
    expect(bytes.toString('latin1', 0x1000, 0x1015)).toBe('console=ttyS0 kho=on\0');
    expect(bytes.subarray(0x1040, 0x1080).toString('hex')).toBe(
      [
        '0000000000000000', // next
        '0a000000', // type SETUP_KEXEC_KHO
        '20000000', // len
        '0070665544332211', // fdt_addr
        '0010000000000000', // fdt_size
        '0020334455667788', // scratch_addr
        '3000000000000000', // scratch_size
        '4070452301000000', // next: the record of KHO
        '09000000', // type SETUP_RNG_SEED
        '20000000', // len
      ].join(''),
    );
  });

  it('has a seed and no record of KHO when nothing is handed over', () => {
    const bootRecord = { kind: 'none', fdtAddr: 0n, fdtSize: 0n, scratchAddr: 0n, scratchSize: 0n } as const;
    const bytes = Buffer.from(encodeBootParams({ ...params, bootRecord }));
    expect(bytes.readBigUInt64LE(0x250)).toBe(params.address + 0x1070n);
    expect(bytes.toString('hex', 0x1070, 0x1080)).toBe('00000000000000000900000020000000');
  });

  it('hands on a deliberately wrong record as it is', () => {
    const bootRecord = { ...record, setupDataType: 11, setupDataLen: 0xffffffff };
    const bytes = Buffer.from(encodeBootParams({ ...params, bootRecord }));
    expect(bytes.toString('hex', 0x1048, 0x1050)).toBe('0b000000ffffffff');
  });

  it('refuses a command line that the kernel would cut', () => {
    const kernel = parseBzImage(fakeBzImage({ cmdlineSize: 20 }));
    const encode = (cmdline: string) => () => encodeBootParams({ ...params, kernel, cmdline });
    expect(encode('x'.repeat(19))).not.toThrow();
    expect(encode('x'.repeat(20))).toThrow('takes 21 bytes, the kernel reads 20');
  });

  it('refuses a memory map that has no room', () => {
    const e820 = Array.from({ length: 129 }, (_, i) => ({ start: BigInt(i), size: 1n, type: 1 as const }));
    expect(() => encodeBootParams({ ...params, e820 })).toThrow('129 entries');
  });
});

describe('e820Table', () => {
  it('reserves memory of the machine that the image does not use', () => {
    const holes = [
      { start: 2n * MiB, size: 2n * MiB },
      { start: 8n * MiB, size: 2n * MiB },
    ];
    const table = e820Table(holes, pcMachine(holes));
    expect(table.filter(({ start }) => start < 0xb0000000n)).toEqual([
      { start: 0n, size: 0xa0000n, type: 2 },
      { start: 0xf0000n, size: 0x10000n, type: 2 },
      { start: MiB, size: MiB, type: 2 },
      { start: 2n * MiB, size: 2n * MiB, type: 1 },
      { start: 4n * MiB, size: 4n * MiB, type: 2 },
      { start: 8n * MiB, size: 2n * MiB, type: 1 },
      { start: 10n * MiB, size: MiB, type: 2 },
    ]);
  });
});
