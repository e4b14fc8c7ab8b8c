import { describe, expect, it } from 'vitest';
import { makeStub, stubSize } from '../../../src/arch/x86_64/pvh-stub.ts';
import { walk } from './page-walk.ts';

const kernel = { start: 0x100000n, size: 0xa00000n };
const entry = 0x100200n;
const bootParams = { start: 0x123456789a000n, size: 0x2000n };

/** What GNU as 2.40 makes of the instructions named in pvh-stub.ts, for a stub at 0x123000. */
const PROTECTED_MODE =
  'fafc0f0115a0301200b8004012000f22d80f20e083c8200f22e0b9800000c00f320d000100000f300f20c00d000000800f22c0ea403012001000';
const LONG_MODE = 'b8180000008ed88ec08ed08ee08ee831db31ed31ff48be00a089674523010048b80002100000000000ffe0';

describe('makeStub', () => {
  const stub = Buffer.from(makeStub({ address: 0x123000n, kernel, entry, bootParams }));

  it('has the code that an assembler makes', () => {
    expect(stub.toString('hex', 0, PROTECTED_MODE.length / 2)).toBe(PROTECTED_MODE);
    expect(stub.toString('hex', 0x40, 0x40 + LONG_MODE.length / 2)).toBe(LONG_MODE);
  });

  it('has flat descriptors at the selectors that the boot protocol names', () => {
    expect(stub.readUInt16LE(0xa0)).toBe(31);
    expect(stub.readUInt32LE(0xa2)).toBe(0x123080);
    const descriptor = (selector: number) => stub.readBigUInt64LE(0x80 + selector);
    // base 0, limit 0xfffff pages, present; 0x10 is 64-bit code (L), 0x18 is writable data
    expect(descriptor(0x10)).toBe(0xaf9a000000ffffn);
    expect(descriptor(0x18)).toBe(0xcf92000000ffffn);
    expect(descriptor(0)).toBe(0n);
  });

  it('maps one to one what is needed, wherever that is', () => {
    const translate = (address: bigint) => walk(stub.subarray(0x1000), 0x124000n, address);
    for (const address of [
      0n,
      0x123040n,
      0xfffff000n,
      kernel.start,
      bootParams.start,
      bootParams.start + 0x1fffn,
    ]) {
      expect(translate(address)).toBe(address);
    }
    expect(translate(0x1_0000_0000n)).toBeUndefined();
  });

  it('maps a kernel that crosses from one 512 GiB table into the next, within the size it announced', () => {
    const high = { start: (1n << 39n) - 0x400000n, size: 0x800000n };
    const bytes = makeStub({ address: 0x123000n, kernel: high, entry: high.start, bootParams });
    expect(BigInt(bytes.length)).toBeLessThanOrEqual(stubSize(high.size));
    const translate = (address: bigint) => walk(Buffer.from(bytes).subarray(0x1000), 0x124000n, address);
    expect(translate(high.start)).toBe(high.start);
    expect(translate(high.start + high.size - 1n)).toBe(high.start + high.size - 1n);
  });

  it('refuses a place that 32-bit code cannot be at', () => {
    expect(() => makeStub({ address: 0x100000000n, kernel, entry, bootParams })).toThrow('0x100000000');
    expect(() => makeStub({ address: 0x123001n, kernel, entry, bootParams })).toThrow('0x123001');
  });
});
