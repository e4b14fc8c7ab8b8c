import { describe, expect, it } from 'vitest';
import { makeUnpackStub, unpackStubSize } from '../../../src/arch/arm64/unpack.ts';
import { unpackList } from '../../../src/arch/unpack-list.ts';

const unpacked = [
  { start: 0x40200000n, size: 0x10000n, from: 0x50000000n },
  { start: 0x40400000n, size: 0x1000n },
];

/** What GNU as 2.40 makes of the instructions named in arm64/unpack.ts. */
const CODE =
  '090600102a003bd54a4d50d38b0080d26a21ca9a2005c1a8228540f8220300b40300028be40300aa247e0bd584000a8b9f0003eba3ffff54' +
  '9f3f03d5e40300aac10000b42518c1a8851881a89f0003eba3ffff54040000149f7c81a89f0003ebc3ffff549f3f03d5e40300aa247e0bd5' +
  '84000a8b9f0003eba3ffff54e6ffff179f3f03d51f7508d59f3f03d5df3f03d5c0000058010080d2020080d2030080d28400005880001fd6';

describe('makeUnpackStub', () => {
  const bytes = Buffer.from(
    makeUnpackStub({
      address: 0x60000000n,
      unpacked,
      mapped: [],
      kernel: 0x78000000n,
      parameters: 0x7fe00000n,
    }),
  );

  it('has the code that an assembler makes, and what it loads', () => {
    expect(bytes.toString('hex', 0, CODE.length / 2)).toBe(CODE);
    expect([0xa8, 0xb0].map((offset) => bytes.readBigUInt64LE(offset))).toEqual([0x7fe00000n, 0x78000000n]);
  });

  it('ends with the list, aligned for what reads it without an MMU', () => {
    expect(bytes.subarray(0xc0)).toEqual(unpackList(unpacked));
    expect(BigInt(bytes.length)).toBe(unpackStubSize(unpacked.length));
  });
});

describe('unpackList', () => {
  it('has destination, source and bytes of each piece, and an end', () => {
    const numbers = Array.from({ length: 9 }, (_, i) => unpackList(unpacked).readBigUInt64LE(i * 8));
    expect(numbers).toEqual([0x40200000n, 0x50000000n, 0x10000n, 0x40400000n, 0n, 0x1000n, 0n, 0n, 0n]);
  });
});
