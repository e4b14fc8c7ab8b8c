import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csumPartial } from '../../../src/users/kho-test/checksum.ts';

const MASK = (1n << 64n) - 1n;

/** Adds 64-bit words with end-around carry, as the kernel's loops do. */
function addWords(data: Uint8Array, start: bigint): bigint {
  const view = Buffer.from(data);
  let sum = start;
  for (let at = 0; at < data.length; at += 8) {
    sum += view.readBigUInt64LE(at);
    sum = (sum & MASK) + (sum >> 64n);
  }
  return sum;
}

/** Folds to half the width with end-around carry. */
function fold(sum: bigint, bits: bigint): bigint {
  const half = (sum >> bits) + (sum & ((1n << bits) - 1n));
  return (half >> bits) + (half & ((1n << bits) - 1n));
}

const models = {
  // arch/x86/lib/csum-partial_64.c, 7.3: data and incoming sum together, then one fold.
  x86_64: (data: Uint8Array, sum: number) => Number(fold(addWords(data, BigInt(sum)), 32n)),
  // lib/checksum.c and arch/arm64/lib/csum.c, 7.3: data to 16 bits, then the incoming sum with one carry.
  arm64: (data: Uint8Array, sum: number) => {
    const result = fold(fold(addWords(data, 0n), 32n), 16n) + BigInt(sum);
    return Number((result & 0xffffffffn) + (result >> 32n));
  },
} as const;

describe.each(['x86_64', 'arm64'] as const)('csumPartial on %s', (arch) => {
  const words = fc.array(fc.constantFrom(0, 1, 0xff, 0xfe, 0x80), { minLength: 64, maxLength: 64 });
  const data = fc.oneof(
    fc.uint8Array({ minLength: 256, maxLength: 256 }),
    words.map((list) => Uint8Array.from(list)),
  );

  it('equals the addition of 64-bit words with carries, also chained', () => {
    fc.assert(
      fc.property(data, data, (a, b) => {
        const first = csumPartial(arch, a, 0);
        expect(first).toBe(models[arch](a, 0));
        expect(csumPartial(arch, b, first)).toBe(models[arch](b, first));
      }),
    );
  });

  it('is 0 for zeroes only', () => {
    expect(csumPartial(arch, new Uint8Array(4096), 0)).toBe(0);
    expect(csumPartial(arch, new Uint8Array(4096).fill(0xff), 0)).toBe(
      models[arch](new Uint8Array(4096).fill(0xff), 0),
    );
    expect(csumPartial(arch, new Uint8Array(4096), 0xffffffff)).toBe(0xffffffff);
  });
});
