import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kho_vmalloc } from '../../src/abi/kexec_handover.ts';
import {
  bits,
  decodeStruct,
  defineStruct,
  embed,
  encodeStruct,
  layoutOf,
  u16,
  u64,
} from '../../src/abi/layout.ts';
import { ABI, abiOf, RELEASES, seriesNumber } from '../../src/abi/releases.ts';
import { makeTarget } from '../../src/abi/target.ts';
import { memfd_luo_folio_ser, memfd_luo_ser_v1, memfd_luo_ser_v2 } from '../../src/users/memfd/abi.ts';

const target = makeTarget({ release: '7.3' });

describe('bit-fields', () => {
  const folio = { pfn: 0x123456789abcdn, flags: 3n, index: 9n };

  it('have the bytes that gcc gives them', () => {
    const bytes = encodeStruct(memfd_luo_folio_ser, target, folio);
    // pfn | flags << 52, little-endian: gcc 12, x86_64 and aarch64.
    expect(Buffer.from(bytes).toString('hex')).toBe('cdab8967452331000900000000000000');
    expect(decodeStruct(memfd_luo_folio_ser, target, bytes)).toEqual(folio);
  });

  it('start at the highest bit of a big-endian unit', () => {
    const big = { ...target, endian: 'big' } as const;
    const bytes = encodeStruct(memfd_luo_folio_ser, big, folio);
    expect(Buffer.from(bytes).toString('hex')).toBe('123456789abcd0030000000000000009');
    expect(decodeStruct(memfd_luo_folio_ser, big, bytes)).toEqual(folio);
  });

  it('take a new unit when they do not fit, and end where another field begins', () => {
    const def = defineStruct({
      name: 's',
      source: 'test',
      packed: false,
      fields: { a: bits(40), b: bits(40), c: bits(24), d: u16, e: bits(8) },
    });
    const { size, fields } = layoutOf(def, target);
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
    expect(() => encodeStruct(memfd_luo_folio_ser, target, { ...folio, flags: 1n << 12n })).toThrow(
      /does not fit bits of 12 bits/,
    );
  });

  it('come back as they went', () => {
    const values = fc.record({
      pfn: fc.bigInt(0n, (1n << 52n) - 1n),
      flags: fc.bigInt(0n, 4095n),
      index: fc.bigInt(0n, (1n << 64n) - 1n),
    });
    fc.assert(
      fc.property(values, fc.constantFrom('little', 'big'), (value, endian) => {
        const there = { ...target, endian } as const;
        const bytes = encodeStruct(memfd_luo_folio_ser, there, value);
        expect(decodeStruct(memfd_luo_folio_ser, there, bytes)).toEqual(value);
      }),
    );
  });
});

describe('embed', () => {
  it('puts the fields of a structure in another one', () => {
    const def = defineStruct({
      name: 's',
      source: 'test',
      packed: true,
      fields: { a: u64, ...embed('v', kho_vmalloc) },
    });
    const bytes = encodeStruct(def, target, {
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
    const of = (release: string) => abiOf(release, 'x86_64').map(({ struct }) => struct);
    expect(of('6.19')).toContain(memfd_luo_ser_v1);
    expect(of('7.1')).toContain(memfd_luo_ser_v2);
    expect(of('7.1')).not.toContain(memfd_luo_ser_v1);
    expect(of('6.18').filter((struct) => struct?.name === 'memfd_luo_ser')).toEqual([]);
  });

  it('orders series by number', () => {
    expect(RELEASES.toSorted((a, b) => seriesNumber(a) - seriesNumber(b))).toEqual(RELEASES);
    expect(seriesNumber('6.19')).toBeLessThan(seriesNumber('7.0'));
    for (const { from, to = from } of ABI) expect(seriesNumber(from)).toBeLessThanOrEqual(seriesNumber(to));
  });
});
