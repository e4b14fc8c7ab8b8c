import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileCodec } from '../../src/abi/codec.ts';
import { abiOf, RELEASES, seriesNumber } from '../../src/abi/declared.ts';
import {
  bits,
  declaredLayout,
  defineStruct,
  embed,
  type StructValues,
  u16,
  u32,
  u64,
} from '../../src/abi/layout.ts';
import { makeTarget } from '../../src/abi/target.ts';

const target = makeTarget({ release: '7.3' });

describe('bit-fields', () => {
  const folio = { pfn: 0x123456789abcdn, flags: 3, index: 9n };

  it('have the bytes that gcc gives them', () => {
    const bytes = target.abi.struct('memfd_luo_folio_ser').encode(folio);
    // pfn | flags << 52, little-endian: gcc 12, x86_64 and aarch64.
    expect(Buffer.from(bytes).toString('hex')).toBe('cdab8967452331000900000000000000');
    expect(target.abi.struct('memfd_luo_folio_ser').decode(bytes)).toEqual(folio);
  });

  it('start at the highest bit of a big-endian unit', () => {
    const big = makeTarget({ release: '7.3', endian: 'big' });
    const bytes = big.abi.struct('memfd_luo_folio_ser').encode(folio);
    expect(Buffer.from(bytes).toString('hex')).toBe('123456789abcd0030000000000000009');
    expect(big.abi.struct('memfd_luo_folio_ser').decode(bytes)).toEqual(folio);
  });

  it('take a new unit when they do not fit, and end where another field begins', () => {
    const def = defineStruct({
      name: 's',
      source: 'test',
      packed: false,
      fields: { a: bits(40), b: bits(40), c: bits(24), d: u16, e: bits(8) },
    });
    const { size, fields } = declaredLayout(def, target);
    expect(size).toBe(32);
    expect(fields.map(({ offset, bits: place }) => [offset, place?.shift])).toEqual([
      [0, 0],
      [8, 0],
      [8, 40],
      [16, undefined],
      [24, 0],
    ]);
  });

  it('refuse what does not fit', () => {
    expect(() => target.abi.struct('memfd_luo_folio_ser').encode({ ...folio, flags: 1 << 12 })).toThrow(
      /does not fit bits of 12 bits/,
    );
  });

  it('come back as they went', () => {
    const values = fc.record({
      pfn: fc.bigInt(0n, (1n << 52n) - 1n),
      flags: fc.nat(4095),
      index: fc.bigInt(0n, (1n << 64n) - 1n),
    });
    fc.assert(
      fc.property(values, fc.constantFrom('little', 'big'), (value, endian) => {
        const there = makeTarget({ release: '7.3', endian });
        const bytes = there.abi.struct('memfd_luo_folio_ser').encode(value);
        expect(there.abi.struct('memfd_luo_folio_ser').decode(bytes)).toEqual(value);
      }),
    );
  });
});

describe('embed', () => {
  it('puts the fields of a structure in another one', () => {
    const inner = defineStruct({
      name: 'inner',
      source: 'test',
      packed: false,
      fields: { first: u64, total_pages: u32, flags: u16, order: u16 },
    });
    const def = defineStruct({
      name: 's',
      source: 'test',
      packed: true,
      fields: { a: u64, ...embed('v', inner) },
    });
    const codec = compileCodec<StructValues<typeof def.fields>>(declaredLayout(def, target), 'little', {
      a: 0n,
      'v.first': 0n,
      'v.total_pages': 0,
      'v.flags': 0,
      'v.order': 0,
    });
    const bytes = codec.encode({
      a: 1n,
      'v.first': 2n,
      'v.total_pages': 3,
      'v.flags': 4,
      'v.order': 5,
    });
    expect(Buffer.from(bytes).toString('hex')).toBe('010000000000000002000000000000000300000004000500');
  });
});

describe('the table of releases', () => {
  it('has one version of a structure in each release', () => {
    for (const release of RELEASES) {
      const names = abiOf(release, 'x86_64').flatMap(({ struct }) => struct?.name ?? []);
      expect(new Set(names).size, release).toBe(names.length);
    }
  });

  it('tells memfd-v1 from memfd-v2', () => {
    const abi = (release: string) => makeTarget({ release }).abi;
    expect(abi('6.19').struct('memfd_luo_ser').has('seals')).toBe(false);
    expect(abi('7.1').struct('memfd_luo_ser').has('seals')).toBe(true);
    expect(abi('6.18').has('memfd_luo_ser')).toBe(false);
  });

  it('orders series by number', () => {
    expect(RELEASES.toSorted((a, b) => seriesNumber(a) - seriesNumber(b))).toEqual(RELEASES);
    expect(seriesNumber('6.19')).toBeLessThan(seriesNumber('7.0'));
    for (const { from, to = from } of RELEASES.flatMap((release) => abiOf(release, 'x86_64')))
      expect(seriesNumber(from)).toBeLessThanOrEqual(seriesNumber(to));
  });
});
