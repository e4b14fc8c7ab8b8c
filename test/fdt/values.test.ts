import { describe, expect, it } from 'vitest';
import {
  asCString,
  asU32be,
  asU32Native,
  asU64be,
  asU64Native,
  cString,
  u32be,
  u32Native,
  u64be,
  u64Native,
} from '../../src/fdt/values.ts';

function hexOf(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}

describe('numbers', () => {
  it('stand in the byte order that the name or the target says', () => {
    expect(hexOf(u32Native(0x4b484f21, 'little'))).toBe('214f484b'); // test_kho's magic on x86_64
    expect(hexOf(u32Native(0x4b484f21, 'big'))).toBe('4b484f21');
    expect(hexOf(u32be(0x4b484f21))).toBe('4b484f21');
    expect(hexOf(u64Native(0x0123456789abcdefn, 'little'))).toBe('efcdab8967452301');
    expect(hexOf(u64Native(0x0123456789abcdefn, 'big'))).toBe('0123456789abcdef');
    expect(hexOf(u64be(0x0123456789abcdefn))).toBe('0123456789abcdef');
  });

  it('come back', () => {
    for (const endian of ['little', 'big'] as const) {
      expect(asU32Native(u32Native(0xffffffff, endian), endian)).toBe(0xffffffff);
      expect(asU64Native(u64Native(0xffff_ffff_ffff_fffen, endian), endian)).toBe(0xffff_ffff_ffff_fffen);
    }
    expect(asU32be(Buffer.of(1, 2, 3, 4))).toBe(0x01020304);
    expect(asU64be(Buffer.of(1, 2, 3, 4, 5, 6, 7, 8))).toBe(0x0102030405060708n);
  });

  it('are read from a view that is not aligned', () => {
    expect(asU64Native(Buffer.alloc(16, 1).subarray(3, 11), 'little')).toBe(0x0101010101010101n);
  });

  it('that do not fit are refused, not wrapped', () => {
    expect(() => u32Native(2 ** 32, 'little')).toThrow(RangeError);
    expect(() => u32be(-1)).toThrow(RangeError);
    expect(() => u64Native(1n << 64n, 'little')).toThrow(RangeError);
    expect(() => u64be(-1n)).toThrow(RangeError);
  });

  it('of another length are none', () => {
    for (const length of [0, 1, 3, 5, 7, 9]) {
      expect(asU32Native(Buffer.alloc(length), 'little')).toBeUndefined();
      expect(asU64Native(Buffer.alloc(length), 'little')).toBeUndefined();
      expect(asU64be(Buffer.alloc(length))).toBeUndefined();
    }
  });
});

describe('strings', () => {
  it('end with a NUL', () => {
    expect(hexOf(cString('kho-v4'))).toBe('6b686f2d763400');
    expect(asCString(cString('é'))).toBe('é');
    expect(asCString(cString(''))).toBe('');
  });

  it('cannot hold one', () => {
    expect(() => cString('kho\0v4')).toThrow("string 'kho\\0v4' holds a NUL");
  });

  it.each([[[]], [[0x61]], [[0x61, 0, 0x62]], [[0x61, 0, 0x62, 0]], [[0, 0]], [[0xff, 0]]])(
    '%j is none',
    (bytes) => {
      expect(asCString(Buffer.from(bytes))).toBeUndefined();
    },
  );
});
