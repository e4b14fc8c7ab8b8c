import { describe, expect, it } from 'vitest';
import type { StructName } from '../../src/abi/declared.ts';
import { declaredLayout, defineStruct, type Layout, u16, u32, u64 } from '../../src/abi/layout.ts';
import { makeTarget, type PageSize } from '../../src/abi/target.ts';

const target = makeTarget({ release: '7.3' });

const layoutOf = (name: StructName, pageSize: PageSize = 4096) =>
  makeTarget({ release: '7.3', arch: 'arm64', pageSize }).abi.struct(name).layout;

/** `name@offset+size …, total` */
function shape(layout: Layout): string {
  const fields = layout.fields.map(({ name, offset, size }) => `${name}@${offset}+${size}`);
  return `${fields.join(' ')}, ${layout.size}`;
}

// The numbers are those a compiler gave for the headers of 7.3 with each page size.
describe('layouts are those a compiler makes of the kernel headers', () => {
  it.each([
    ['kho_scratch', 'addr@0+8 size@8+8, 16'],
    ['kho_vmalloc', 'first@0+8 total_pages@8+4 flags@12+2 order@14+2, 16'],
    ['kho_kexec_metadata', 'version@0+4 previous_release@4+65 kexec_count@69+4, 73'],
    ['setup_data', 'next@0+8 type@8+4 len@12+4, 16'],
    ['kho_data', 'fdt_addr@0+8 fdt_size@8+8 scratch_addr@16+8 scratch_size@24+8, 32'],
  ] as const)('%s', (name, expected) => {
    expect(shape(layoutOf(name))).toBe(expected);
  });

  it.each([4096, 16384, 65536] as const)('page-sized structures with pages of %i bytes', (pageSize) => {
    expect(shape(layoutOf('kho_vmalloc_chunk', pageSize))).toBe(
      `next@0+8 phys@8+${pageSize - 8}, ${pageSize}`,
    );
    expect(shape(layoutOf('kho_radix_node', pageSize))).toBe(`table@0+${pageSize}, ${pageSize}`);
    expect(shape(layoutOf('kho_radix_leaf', pageSize))).toBe(`bitmap@0+${pageSize}, ${pageSize}`);
  });

  it('pads as C does unless packed', () => {
    const fields = { a: u16, b: u64, c: u32 } as const;
    const loose = defineStruct({ name: 'loose', source: 'test', packed: false, fields });
    const packed = defineStruct({ name: 'packed', source: 'test', packed: true, fields });
    expect(shape(declaredLayout(loose, target))).toBe('a@0+2 b@8+8 c@16+4, 24');
    expect(shape(declaredLayout(packed, target))).toBe('a@0+2 b@2+8 c@10+4, 14');
  });
});

describe('codecs', () => {
  const metadata = { version: 1, previous_release: '7.3.4', kexec_count: 41 };

  it('write the bytes that the kernel writes', () => {
    const bytes = target.abi.struct('kho_kexec_metadata').encode(metadata);
    expect(Buffer.from(bytes).toString('hex')).toBe(
      `01000000${Buffer.from('7.3.4').toString('hex')}${'00'.repeat(60)}29000000`,
    );
    expect(target.abi.struct('kho_kexec_metadata').decode(bytes)).toEqual(metadata);
  });

  it('follow the byte order of the target', () => {
    const big = makeTarget({ release: '7.3', endian: 'big' });
    const values = { first: 0x123456789an, total_pages: 3, flags: 1, order: 9 };
    const bytes = big.abi.struct('kho_vmalloc').encode(values);
    expect(Buffer.from(bytes).toString('hex')).toBe('000000123456789a0000000300010009');
    expect(big.abi.struct('kho_vmalloc').decode(bytes)).toEqual(values);
  });

  it.each([
    [{ ...metadata, version: 2 ** 32 }, 'version'],
    [{ ...metadata, version: -1 }, 'version'],
    [{ ...metadata, kexec_count: 0.5 }, 'kexec_count'],
    [{ ...metadata, previous_release: 'x'.repeat(66) }, 'previous_release'],
  ])('refuse what does not fit: %o', (values, field) => {
    expect(() => target.abi.struct('kho_kexec_metadata').encode(values)).toThrow(
      expect.objectContaining({ code: 'FIELD_RANGE', message: expect.stringContaining(field) }),
    );
  });

  it('refuse a u64 beyond 64 bits instead of wrapping it', () => {
    expect(() => target.abi.struct('kho_scratch').encode({ addr: 1n << 64n, size: 0n })).toThrow(
      /does not fit/,
    );
    expect(() => target.abi.struct('kho_vmalloc_chunk').encode({ next: 0n, phys: [1n << 64n] })).toThrow(
      /does not fit/,
    );
  });

  it('refuse bytes that end too early', () => {
    expect(() => target.abi.struct('kho_kexec_metadata').decode(new Uint8Array(72))).toThrow(
      /73 bytes, only 72/,
    );
  });
});
