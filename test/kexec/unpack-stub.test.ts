import { describe, expect, it } from 'vitest';
import { makeUnpackStub, unpackStubSize } from '../../src/kexec/unpack-stub.ts';
import { walk } from './page-walk.ts';

const GiB = 1n << 30n;
const stub = {
  address: 0x123456000n,
  unpacked: [
    { start: 0x200000n, size: 0x3000n, from: 0x123466000n },
    { start: 0x400000n, size: 0x1000n },
  ],
  mapped: [
    { start: 0n, size: 4n * GiB },
    { start: 4n * GiB, size: GiB },
  ],
  kernel: 0x1f000000n,
  bootParams: 0x1122334455667000n,
};

/** What GNU as 2.40 makes of the instructions named in unpack-stub.ts, for these addresses. */
const CODE =
  'fafc0f0115d70000000f20e048bb00804523010000000fbae00c730a48bb00704523010000000f22db48bc0070452301000000b818000000' +
  '8ed88ec08ed08ee08ee86a1048b8516045230100000050' +
  '48cb48bb00f0452301000000488b4b104885c9741c488b3b488b73084883c3184885f6740' +
  '5f348a5ebe231c0f348abebdb31db31ed31ff48be007066554433221148b80002001f00000000ffe0';

describe('makeUnpackStub', () => {
  const bytes = Buffer.from(makeUnpackStub(stub));

  it('has the code that an assembler makes', () => {
    expect(bytes.toString('hex', 0, CODE.length / 2)).toBe(CODE);
  });

  it('has the size that it announced', () => {
    expect(BigInt(bytes.length)).toBe(unpackStubSize(stub));
    expect(bytes.length % 4096).toBe(0);
  });

  it('has flat descriptors at the selectors that the boot protocol names', () => {
    expect(bytes.readUInt16LE(0xe0)).toBe(31);
    expect(bytes.readBigUInt64LE(0xe2)).toBe(stub.address + 0xc0n);
    expect(bytes.readBigUInt64LE(0xc0 + 0x10)).toBe(0xaf9a000000ffffn);
    expect(bytes.readBigUInt64LE(0xc0 + 0x18)).toBe(0xcf92000000ffffn);
  });

  it.each([
    ['four', 0x2000, [39n, 30n, 21n]],
    ['five', 0x1000, [48n, 39n, 30n, 21n]],
  ])('maps one to one with %s levels', (_name, offset, shifts) => {
    const translate = (address: bigint) =>
      walk(bytes.subarray(offset), stub.address + BigInt(offset), address, shifts);
    for (const address of [0n, 0xfffff000n, stub.address, 5n * GiB - 1n])
      expect(translate(address)).toBe(address);
    expect(translate(5n * GiB)).toBeUndefined();
    expect(translate(1n << 48n)).toBe(shifts.length === 4 ? undefined : 0n);
  });

  it('lists what to copy and what to clear, in words of 8 bytes', () => {
    const numbers = (index: number) =>
      [0, 8, 16].map((field) => bytes.readBigUInt64LE(bytes.length - 4096 + index * 24 + field));
    expect(numbers(0)).toEqual([0x200000n, 0x123466000n, 0x600n]);
    expect(numbers(1)).toEqual([0x400000n, 0n, 0x200n]);
    expect(numbers(2)).toEqual([0n, 0n, 0n]);
  });
});
