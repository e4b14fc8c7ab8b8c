import { expect, it } from 'vitest';
import { readBtf } from '../../src/btf/btf.ts';
import { btfItems } from '../../src/btf/items.ts';
import { fixture } from './compiler.ts';
import { encodeBtf, LONG } from './encode.ts';

const btf = readBtf(fixture('x86_64.o'));

it('turns structures and enums into items by their C names', () => {
  expect(btfItems(btf, ['named_union', 'luo_like'], ['small'])).toEqual({
    items: [
      { kind: 'struct', name: 'named_union', size: 16 },
      { kind: 'field', name: 'named_union.first', offset: 0, size: 8 },
      { kind: 'field', name: 'named_union.first.phys', offset: 0, size: 8 },
      { kind: 'field', name: 'named_union.first.ptr', offset: 0, size: 8 },
      { kind: 'field', name: 'named_union.total_pages', offset: 8, size: 4 },
      { kind: 'field', name: 'named_union.flags', offset: 12, size: 2 },
      { kind: 'field', name: 'named_union.order', offset: 14, size: 2 },
      { kind: 'struct', name: 'luo_like', size: 16 },
      { kind: 'field', name: 'luo_like.pfn', bitOffset: 0, bitWidth: 52 },
      { kind: 'field', name: 'luo_like.flags', bitOffset: 52, bitWidth: 12 },
      { kind: 'field', name: 'luo_like.index', offset: 8, size: 8 },
      { kind: 'enum', name: 'SMALL_A', value: 0n },
      { kind: 'enum', name: 'SMALL_B', value: 200n },
      { kind: 'enum', name: 'SMALL_C', value: 0x7fffffffn },
    ],
    missing: [],
  });
});

it('says why a name gave nothing', () => {
  expect(btfItems(btf, ['kho_data', 'never_defined'], ['kho_radix_consts'])).toEqual({
    items: [],
    missing: [
      { name: 'kho_data', why: 'not in BTF' },
      { name: 'never_defined', why: 'only declared, not defined, in BTF' },
      { name: 'kho_radix_consts', why: 'not in BTF' },
    ],
  });
});

it('takes no value from an enum whose values were cut to 32 bits', () => {
  const cut = readBtf(encodeBtf([LONG, { kind: 6, name: 'wide', value: 8, extra: [['WIDE', 0x9abcdef0]] }]));
  expect(cut.enumOf('wide')).toMatchObject({ complete: false });
  expect(btfItems(cut, [], ['wide'])).toEqual({
    items: [],
    missing: [{ name: 'wide', why: 'its values of 64 bits were cut by the encoder' }],
  });
});
