import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseBzImage } from '../../../src/arch/x86_64/bzimage.ts';
import { unpackKernel } from '../../../src/arch/x86_64/packed-kernel.ts';
import { type FakeKernel, fakeBzImage, fakeVmlinux } from '../../load/fake-kernel.ts';

const unpack = (packed: Uint8Array, fields: FakeKernel = {}) => {
  const file = fakeBzImage({ packed, ...fields });
  return unpackKernel(parseBzImage(file), file);
};
const damaged = (packed: Buffer) => packed.subarray(0, packed.length - 12);

describe('unpackKernel', () => {
  it('lays the parts of the kernel out as they are linked, and finds its entry', () => {
    const { bytes, entry } = unpack(gzipSync(fakeVmlinux())) ?? {};
    const expected = Buffer.alloc(0x2006);
    expected.write('first');
    expected.write('second', 0x2000);
    expect(Buffer.from(bytes ?? []).equals(expected)).toBe(true);
    expect(entry).toBe(0x2004n);
  });

  it.each<[string, Uint8Array, FakeKernel?]>([
    ['has relocations after it', gzipSync(Buffer.concat([fakeVmlinux(), Buffer.alloc(8)]))],
    ['is packed by other means', Buffer.from('\x28\xb5\x2f\xfd a zstd file')],
    ['is damaged', damaged(gzipSync(fakeVmlinux()))],
    ['is no ELF file', gzipSync(Buffer.alloc(0x200))],
    ['is not linked where the header says', gzipSync(fakeVmlinux()), { prefAddress: 0x1000001n }],
    ['needs more memory than it has', gzipSync(fakeVmlinux({ second: 0x1123455n }))],
    ['is entered outside', gzipSync(fakeVmlinux({ entry: 0x2006 }))],
    ['is entered before it', gzipSync(fakeVmlinux({ entry: -1 }))],
  ])('leaves one alone that %s', (_what, packed, fields) => {
    expect(unpack(packed, fields)).toBeUndefined();
  });

  it('unpacks a file once', () => {
    const file = fakeBzImage({ packed: gzipSync(fakeVmlinux()) });
    const first = unpackKernel(parseBzImage(file), file);
    expect(first).toBeDefined();
    expect(unpackKernel(parseBzImage(file), file)).toBe(first);
  });
});
