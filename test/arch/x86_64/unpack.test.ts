import { describe, expect, it } from 'vitest';
import { unpackList } from '../../../src/arch/unpack-list.ts';
import { makeUnpackStub, unpackStubSize } from '../../../src/arch/x86_64/unpack.ts';
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
  parameters: 0x1122334455667000n,
};

/** What GNU as 2.40 makes of the instructions named in x86_64/unpack.ts, for these addresses. */
const CODE =
  'fafc0f0115d70000000f20e048bb00804523010000000fbae00c730a48bb00704523010000000f22db48bc0070452301000000b818000000' +
  '8ed88ec08ed08ee08ee86a1048b8516045230100000050' +
  '48cb48bb00f0452301000000488b4b1048c1e903741c488b3b488b73084883c3184885f6740' +
  '5f348a5ebe131c0f348abebda31db31ed31ff48be007066554433221148b80002001f00000000ffe0';

describe('makeUnpackStub', () => {
  const bytes = Buffer.from(makeUnpackStub(stub));

  it('has the code that an assembler makes', () => {
    expect(bytes.toString('hex', 0, CODE.length / 2)).toBe(CODE);
  });

  it('has the size that it announced', () => {
    expect(BigInt(bytes.length)).toBe(unpackStubSize(stub.unpacked.length, stub.mapped));
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

  it('ends with the list', () => {
    const list = unpackList(stub.unpacked);
    const address = bytes.readBigUInt64LE(0x53); // the operand of `mov rbx, list`
    expect(bytes.subarray(Number(address - stub.address))).toEqual(list);
  });
});
