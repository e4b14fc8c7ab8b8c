import { describe, expect, it } from 'vitest';
import { kernelRelease, parseBzImage } from '../../../src/arch/x86_64/bzimage.ts';
import { KhoforgeError } from '../../../src/base/errors.ts';
import { fakeBzImage } from '../../load/fake-kernel.ts';

const failure = (bytes: Uint8Array): KhoforgeError => {
  try {
    parseBzImage(bytes, 'the-file');
  } catch (error) {
    if (error instanceof KhoforgeError) return error;
    throw error;
  }
  throw new Error('was accepted');
};

describe('parseBzImage', () => {
  it('reads the fields that a loader needs', () => {
    const kernel = parseBzImage(fakeBzImage());
    expect(kernel).toMatchObject({
      protocol: 0x20f,
      initSize: 0x123456n,
      kernelAlignment: 0x200000n,
      prefAddress: 0x1000000n,
      relocatable: true,
      xloadflags: 0x7f,
      cmdlineSize: 2047,
      version: '7.3.4 (a@b) #1 SMP',
    });
    expect(kernel.payload.length).toBe(0x3000);
    expect(kernel.setupHeader.length).toBe(0x202 + 0x6a - 0x1f1);
    expect(kernelRelease(kernel)).toBe('7.3.4');
  });

  it('takes setup_sects 0 as 4', () => {
    expect(parseBzImage(fakeBzImage({ setupSects: 0 })).payload[0]).toBe(0x90);
    expect(parseBzImage(fakeBzImage({ setupSects: 0 })).payload.length).toBe(0x3000);
  });

  it('keeps a version text printable', () => {
    expect(parseBzImage(fakeBzImage({ version: '7.3\x1b[31m' })).version).toBe('7.3?[31m');
    expect(kernelRelease(parseBzImage(fakeBzImage({ version: '' })))).toBeUndefined();
  });

  it.each([
    ['\x7fELF\x02\x01', 0, 'an ELF file, such as vmlinux', 'give arch/x86/boot/bzImage of the same build'],
    ['\x1f\x8b\x08', 0, 'gzip data', 'gunzip'],
    ['\xfd7zXZ\0', 0, 'xz data', 'unxz'],
    ['\x28\xb5\x2f\xfd', 0, 'zstd data', 'unzstd'],
    ['ARM\x64', 0x38, 'an arm64 Image', 'architecture'],
  ])('says what to give instead of %j', (magic, offset, what, hint) => {
    const bytes = Buffer.alloc(4096);
    bytes.write(magic, offset, 'latin1');
    const error = failure(bytes);
    expect(error).toMatchObject({ code: 'KERNEL_NOT_BZIMAGE', exitCode: 2, where: { file: 'the-file' } });
    expect(error.message).toContain(what);
    expect(error.hint).toContain(hint);
  });

  it.each([
    [{ protocol: 0x20b }, '2.11 is older than 2.12'],
    [{ loadflags: 0 }, 'zImage'],
    [{ xloadflags: 0x7e }, 'XLF_KERNEL_64'],
    [{ initSize: 0x1000 }, 'init_size 0x1000'],
    [{ initSize: 0xffffffff }, 'init_size 0xffffffff'],
    [{ alignment: 0 }, 'kernel_alignment 0x0'],
    [{ alignment: 0x300000 }, 'kernel_alignment 0x300000'],
  ])('refuses %o', (fields, text) => {
    const error = failure(fakeBzImage(fields));
    expect(error.code).toBe('KERNEL_UNSUPPORTED');
    expect(error.message).toContain(text);
  });

  it('refuses a file cut off anywhere before its payload, always with an error of its own', () => {
    const whole = fakeBzImage();
    for (let length = 0; length <= 4 * 512; length++) {
      expect(failure(whole.subarray(0, length)).code).toBe('KERNEL_NOT_BZIMAGE');
    }
  });

  it('survives any value of any header byte', () => {
    for (let offset = 0x1f1; offset < 0x270; offset++) {
      for (const value of [0, 0x7f, 0xff]) {
        const bytes = fakeBzImage();
        bytes[offset] = value;
        try {
          parseBzImage(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(KhoforgeError);
        }
      }
    }
  });
});
