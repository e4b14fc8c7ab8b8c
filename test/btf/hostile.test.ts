import { describe, expect, it } from 'vitest';
import { KhoforgeError } from '../../src/base/errors.ts';
import { readBtf } from '../../src/btf/btf.ts';
import { type EncodeOptions, encodeBtf, LONG, type TypeSpec, U32 } from './encode.ts';

const read = (types: readonly TypeSpec[], options?: EncodeOptions) =>
  readBtf(encodeBtf(types, options), 'x.btf');

/** What structLayout('s') throws; id 1 is unsigned long, id 2 is u32, the given types follow. */
function refusal(...types: TypeSpec[]): string {
  try {
    read([LONG, U32, ...types]).structLayout('s');
  } catch (error) {
    if (!(error instanceof KhoforgeError)) throw error;
    expect(error.code).toBe('BTF_INVALID');
    expect(error.where.file).toBe('x.btf');
    return error.message;
  }
  return 'no error';
}

const struct = (
  size: number,
  members: readonly (readonly [string, number, number])[],
  flag = false,
): TypeSpec => ({
  kind: 4,
  name: 's',
  value: size,
  extra: members,
  flag,
});

describe('types in a circle', () => {
  it.each<[string, TypeSpec]>([
    ['a typedef of itself', { kind: 8, name: 't', value: 4 }],
    ['a const of itself', { kind: 10, value: 4 }],
    ['an array of itself', { kind: 3, extra: [[4, 2, 1]] }],
  ])('%s has no size', (_, type) => {
    expect(refusal(struct(8, [['f', 4, 0]]), type)).toMatch(/nested more than 32 deep, or in a circle/);
  });

  it('a pointer to itself has a size, and no name', () => {
    expect(refusal(struct(8, [['f', 4, 0]]), { kind: 2, value: 4 })).toMatch(/in a circle/);
  });

  it('a structure inside itself, without a name', () => {
    expect(refusal(struct(8, [['', 3, 0]]))).toMatch(/structures nested more than 32 deep, or in a circle/);
  });

  it('a structure that has another twice, which has another twice, and so on', () => {
    const twice = Array.from(
      { length: 30 },
      (_, index): TypeSpec => ({
        kind: 5,
        value: 0,
        extra: [
          ['', index + 5, 0],
          ['', index + 5, 0],
        ],
      }),
    );
    expect(refusal(struct(0, [['', 4, 0]]), ...twice, { kind: 5, value: 0 })).toMatch(
      /more than 8192 members/,
    );
  });
});

describe('members', () => {
  it.each<[string, RegExp, TypeSpec[]]>([
    ['after the end', /member at bit 32 ends after its structure of 7 bytes/, [struct(7, [['f', 2, 32]])]],
    ['in mid-byte', /member at bit 4, in mid-byte/, [struct(8, [['f', 4, 4]]), { kind: 16, value: 4 }]],
    ['of void', /a type without a size: void/, [struct(8, [['f', 0, 0]])]],
    ['of a declaration', /without a size: kind 7/, [struct(8, [['f', 4, 0]]), { kind: 7, name: 'u' }]],
    ['of a type that is not there', /type id 9: there are 3/, [struct(8, [['f', 9, 0]])]],
    [
      'of more bits than its type',
      /33 bits in a type of 4 bytes/,
      [struct(8, [['f', 2, 33 * 2 ** 24]], true)],
    ],
    [
      'of 2^32 bytes',
      /type of 4294967296 bytes/,
      [struct(8, [['f', 4, 0]]), { kind: 3, extra: [[1, 2, 2 ** 29]] }],
    ],
    ['with a name without end', /no name of less than 512 bytes/, [struct(8, [['n'.repeat(512), 1, 0]])]],
  ])('%s', (_, expected, types) => {
    expect(refusal(...types)).toMatch(expected);
  });

  it('with arrays of arrays beyond all bounds', () => {
    const arrays = [4, 5, 6].map((id): TypeSpec => ({ kind: 3, extra: [[id + 1, 2, 0xffffffff]] }));
    expect(refusal(struct(8, [['f', 4, 0]]), ...arrays, LONG)).toMatch(/array of \d+ elements/);
  });

  it('with a name of 511 bytes', () => {
    expect(refusal(struct(8, [['n'.repeat(511), 1, 0]]))).toBe('no error');
  });
});

// Documentation/bpf/btf.rst (7.3), 2.2.1 and 2.2.4: the encoding without kind_flag.
describe('bit-fields without kind_flag', () => {
  const int = (bits: number, offset = 0): TypeSpec => ({
    kind: 1,
    name: 'int',
    value: 4,
    extra: [[bits + offset * 2 ** 16]],
  });
  const field = (type: TypeSpec, bit: number) => {
    const [first] = read([LONG, U32, struct(8, [['f', 4, bit]]), type]).structLayout('s')?.fields ?? [];
    return first && [first.offset, first.size, first.bitOffset, first.bitWidth];
  };

  it('are told by the bits of the integer', () => {
    expect(field(int(4), 3)).toEqual([0, 4, 3, 4]);
    expect(field(int(31), 33)).toEqual([4, 4, 1, 31]);
  });

  it('add the offset in the integer', () => {
    expect(field(int(4, 2), 32)).toEqual([4, 4, 2, 4]);
  });

  it('are told by their place when they have all bits', () => {
    expect(field(int(32), 32)).toEqual([4, 4, undefined, undefined]);
    expect(field(int(32), 9)).toEqual([1, 4, 1, 32]);
    expect(field({ kind: 6, name: 'e', value: 4 }, 9)).toEqual([1, 4, 1, 32]);
    expect(field({ kind: 6, name: 'e', value: 4 }, 8)).toEqual([1, 4, undefined, undefined]);
  });
});

describe('definitions of one name', () => {
  it('may repeat', () => {
    expect(read([LONG, struct(8, [['f', 1, 0]]), struct(8, [['f', 1, 0]])]).structLayout('s')).toMatchObject({
      size: 8,
    });
  });

  it.each([
    ['differ', 2, /2 definitions of 's', which differ/],
    ['are too many', 17, /more than 16 definitions of 's'/],
  ])('%s', (_, count, expected) => {
    const types = Array.from({ length: count }, (_, index) => struct(8 + index, [['f', 1, 0]]));
    const btf = read([LONG, ...types]);
    expect(() => btf.structLayout('s')).toThrow(expect.objectContaining({ code: 'BTF_AMBIGUOUS' }));
    expect(() => btf.structLayout('s')).toThrow(expected);
  });
});

describe('the blob', () => {
  const types = [LONG, struct(8, [['f', 1, 0]])];
  const patched = (at: number, value: number): Buffer => {
    const bytes = encodeBtf(types);
    bytes.writeUInt32LE(value, at);
    return bytes;
  };

  it.each<[string, Buffer, RegExp, number]>([
    ['version 2', patched(0, 0x0002eb9f), /BTF version 2: expected 1/, 2],
    ['flags', patched(0, 0x0101eb9f), /BTF flags 1: expected none/, 3],
    ['a short header', patched(4, 23), /BTF header of 23 bytes/, 4],
    ['a header beyond the end', patched(4, 0xffffffff), /the BTF header of 4294967295 bytes/, 0],
    ['types beyond the end', patched(12, 0xfffffff0), /the type section of 4294967280 bytes/, 24],
    [
      'strings beyond the end',
      patched(16, 0xfffffff0),
      /the string section of \d+ bytes at 4294967304/,
      0x100000008,
    ],
    ['half a type', patched(12, 20), /a type of 12 bytes at 16 does not fit in 20 bytes/, 40],
    ['2^24 members', patched(24 + 16 + 4, 0x04ffffff), /of kind 4 of 201326580 bytes/, 52],
    ['a name beyond the strings', patched(24, 4000), /name at 4000 of the string section/, 24],
    ['kind 0', patched(24 + 4, 0), /type of kind 0, which nothing describes/, 28],
  ])('with %s is refused', (_, bytes, expected, offset) => {
    expect(() => readBtf(bytes, 'x.btf')).toThrow(expected);
    expect(() => readBtf(bytes, 'x.btf')).toThrow(
      expect.objectContaining({ code: 'BTF_INVALID', where: { file: 'x.btf', offset } }),
    );
  });

  it('of a kernel module is refused as such', () => {
    expect(() => read(types, { firstString: 'module_only' })).toThrow(
      /this is split BTF, as in a kernel module/,
    );
  });

  it('may end its types with a kind of the future, if it describes it', () => {
    const future: TypeSpec = { kind: 20, name: 'new', vlen: 2, extra: [[7], [8, 9], [8, 9]] };
    expect(() => read([...types, future])).toThrow(/type of kind 20, which nothing describes/);
    const kinds = Array.from({ length: 21 }, (_, kind) =>
      kind === 20 ? ([4, 8] as const) : ([0, 0] as const),
    );
    for (const endian of ['little', 'big'] as const) {
      expect(read([future, ...types], { kinds, endian }).typeCount).toBe(3);
    }
  });

  it('tells the size of a pointer by that of long', () => {
    const pointer = [struct(8, [['f', 2, 0]]), { kind: 2 }];
    const long = (value: number): TypeSpec => ({ ...LONG, value, extra: [[value * 8]] });
    expect(read([...pointer, long(4)]).pointerSize).toBe(4);
    expect(read([...pointer, long(8)]).structLayout('s')?.fields[0]?.size).toBe(8);
    expect(read([...pointer]).pointerSize).toBeUndefined();
    expect(() => read([...pointer]).structLayout('s')).toThrow(/no type 'long' tells how big a pointer is/);
  });

  it('may be empty of types', () => {
    expect(read([])).toMatchObject({ typeCount: 0 });
    expect(read([]).structLayout('s')).toBeUndefined();
  });
});
