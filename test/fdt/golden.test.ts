import { describe, expect, it } from 'vitest';
import { readFdt } from '../../src/fdt/reader.ts';
import { khoforgeBuffer } from './calls.ts';
import { addSubtreeCalls, baseCalls, goldenPage, RADIX_ROOT, SUBTREES } from './root-fdt-7.3.ts';

const calls = [...baseCalls(RADIX_ROOT), ...SUBTREES.flatMap(addSubtreeCalls)];

describe('the root FDT of a running 7.3.4 kernel, annotated by hand', () => {
  it('is what the kernel’s calls write: byte equality of the whole page', () => {
    expect(khoforgeBuffer(calls).toString('hex')).toBe(goldenPage().toString('hex'));
  });

  it('reads as the annotations say: names, order, offsets and values', () => {
    const { header, reservations, root } = readFdt(goldenPage());
    expect(header).toMatchObject({ totalsize: 293, off_mem_rsvmap: 40, off_dt_struct: 56, version: 17 });
    expect(reservations).toEqual([]);
    expect(root.name).toBe('');
    expect(
      [root, ...root.children].map((node) => [
        node.name,
        node.offset,
        ...node.properties.map(({ name, offset, value }) => `${name}@${offset.toString(16)} ${hexOf(value)}`),
      ]),
    ).toEqual([
      ['', 0x38, 'compatible@4c 6b686f2d763400', 'preserved-memory-map@60 0080220000000000'],
      ['kho_test', 0x68, 'blob-size@84 f000000000000000', 'preserved-data@98 00c0260000000000'],
      ['kexec-metadata', 0xa4, 'blob-size@c4 4900000000000000', 'preserved-data@d8 00f0220000000000'],
    ]);
  });
});

function hexOf(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}
