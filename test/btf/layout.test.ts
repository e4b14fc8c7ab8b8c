import { beforeAll, describe, expect, it } from 'vitest';
import { type Btf, readBtf } from '../../src/btf/btf.ts';
import type { BtfField } from '../../src/btf/struct-layout.ts';
import { btfLines, compileHere, fixture, linesOf, namesOf } from './compiler.ts';

describe.each([
  ['x86_64', 'little'],
  ['s390x', 'big'],
] as const)('awkward.h for %s, as pahole encodes it', (arch, endian) => {
  const btf = readBtf(fixture(`${arch}.o`));
  const numbers = linesOf(fixture(`${arch}.txt`));

  it('gives the numbers of the compiler', () => {
    expect(btfLines(btf, namesOf(numbers))).toEqual(numbers);
    expect(numbers).toHaveLength(156);
  });

  it('tells byte order and pointer size', () => {
    expect(btf).toMatchObject({ endian, pointerSize: 8 });
    expect(btf.typeCount).toBeGreaterThan(100);
  });
});

/** What GCC 12's own encoder gets wrong, and pahole right. */
const GCC_12_GETS_WRONG = [
  // The place of a bit-field that follows an unnamed one, in a structure inside a union.
  'bit_union.rest',
  // It leaves out what does not fit in an int, and does not say that an enum is signed.
  ...['TOP_BIT', 'TOP_ALL', 'MINUS_ONE', 'MINUS_MANY'],
  ...['WIDE_LOW', 'WIDE_HIGH', 'WIDE_ALL', 'WIDE_MINUS', 'WIDE_PLUS'],
];

describe("awkward.h by this machine's gcc", () => {
  let here: ReturnType<typeof compileHere>;
  let btf: Btf;
  beforeAll(() => {
    here = compileHere();
    btf = readBtf(here.object);
  });

  it('gives the numbers of the compiler', () => {
    const known = (lines: readonly string[]): string[] =>
      lines.filter((line) => !GCC_12_GETS_WRONG.includes(line.split(' ')[1] ?? ''));
    expect(known(btfLines(btf, namesOf(here.lines)))).toEqual(known(here.lines));
    expect(here.lines.length - known(here.lines).length).toBe(GCC_12_GETS_WRONG.length);
  });
});

describe('structLayout', () => {
  const btf = readBtf(fixture('x86_64.o'));
  const fields = (name: string): readonly BtfField[] => btf.structLayout(name)?.fields ?? [];

  it('names types as C does', () => {
    expect(Object.fromEntries(fields('derived').map(({ name, typeName }) => [name, typeName]))).toEqual({
      chain: 'chained_2',
      chains: 'volatile const chained_2[2]',
      own: 'untagged_t',
      fixed: 'const untagged_t',
      pointer: 'untagged_t *restrict const',
      unknown: 'struct never_defined *',
      self: 'struct derived *[6]',
      function: 'int (*)(...)',
      functions: 'void *(*[4])(...)',
      to_array: 'int (*)[5]',
      strings: 'const char *const *',
      number: 'enum small',
      byte: 'enum byte_sized',
      wide: 'enum wide',
    });
  });

  it('keeps what is inside a member whose type has no name', () => {
    expect(btf.structLayout('named_union')).toEqual({
      name: 'named_union',
      kind: 'struct',
      size: 16,
      fields: [
        {
          name: 'first',
          offset: 0,
          size: 8,
          typeName: 'union {...}',
          fields: [
            { name: 'phys', offset: 0, size: 8, typeName: 'u64' },
            { name: 'ptr', offset: 0, size: 8, typeName: 'struct holes *' },
          ],
        },
        { name: 'total_pages', offset: 8, size: 4, typeName: 'u32' },
        { name: 'flags', offset: 12, size: 2, typeName: 'u16' },
        { name: 'order', offset: 14, size: 2, typeName: 'u16' },
      ],
    });
  });

  // As pahole prints them: `pfn:52; /* 0: 0 8 */`.
  it.each([
    ['luo_like', 'pfn', 0, 8, 0, 52],
    ['luo_like', 'flags', 0, 8, 52, 12],
    ['bits', 'yes', 1, 1, 4, 1],
    ['bits', 'd', 4, 2, 3, 9],
    ['bits', 'g', 8, 8, 31, 33],
    ['bits', 'full', 24, 8, 0, 64],
  ])(
    'places the bit-field %s.%s in the unit of its type',
    (struct, name, offset, size, bitOffset, bitWidth) => {
      expect(fields(struct)).toContainEqual(
        expect.objectContaining({ name, offset, size, bitOffset, bitWidth }),
      );
    },
  );

  it('places a bit-field that straddles two units from its first byte', () => {
    expect(fields('straddling')).toContainEqual({
      name: 'c',
      offset: 4,
      size: 8,
      bitOffset: 3,
      bitWidth: 37,
      typeName: 'u64',
    });
  });

  it('tells a union, a typedef of an untagged struct, an absent name and a mere declaration', () => {
    expect(btf.structLayout('choice')).toMatchObject({ kind: 'union', size: 8 });
    expect(btf.structLayout('untagged_t')).toMatchObject({ name: 'untagged_t', kind: 'struct', size: 16 });
    expect(btf.structLayout('kho_vmalloc')).toBeUndefined();
    expect(btf.structLayout('never_defined')).toBeUndefined();
    expect(btf.isForward('never_defined')).toBe(true);
    expect(btf.isForward('holes')).toBe(false);
    expect(btf.findStruct('holes')).toBe(true);
    expect(btf.findStruct('chained_2')).toBe(false);
    expect(btf.findStruct('small')).toBe(false);
  });
});

describe('enumOf', () => {
  const btf = readBtf(fixture('s390x.o'));

  it('has values of 32 and 64 bits, signed or not', () => {
    expect(btf.enumOf('negative')).toEqual({
      name: 'negative',
      size: 4,
      signed: true,
      complete: true,
      values: [
        { name: 'MINUS_ONE', value: -1n },
        { name: 'MINUS_MANY', value: -0x7fffffffn },
      ],
    });
    expect(btf.enumOf('wide')).toMatchObject({ size: 8, signed: false, complete: true });
    expect(btf.enumOf('wide_negative')?.values[0]).toEqual({
      name: 'WIDE_MINUS',
      value: -0x123456789abcdef0n,
    });
    expect(btf.enumOf('byte_sized')?.size).toBe(1);
    expect(btf.enumOf('holes')).toBeUndefined();
  });
});
