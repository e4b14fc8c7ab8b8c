import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeStruct, encodeStruct, layoutOf } from '../../../src/abi/layout.ts';
import { makeTarget } from '../../../src/abi/target.ts';
import {
  MEMFD_FOLIO_BYTES,
  MEMFD_LUO_ALL_SEALS,
  memfd_luo_folio_ser,
  readMemfdFolio,
  SEALS,
  writeMemfdFolio,
} from '../../../src/users/memfd/abi.ts';

const target = makeTarget({ release: '7.3' });
const folio = fc.record({
  pfn: fc.bigInt({ min: 0n, max: (1n << 52n) - 1n }),
  flags: fc.nat(0xfff),
  index: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
});

describe('an entry of a list of folios', () => {
  it('is struct memfd_luo_folio_ser', () => {
    expect(layoutOf(memfd_luo_folio_ser, target).size).toBe(MEMFD_FOLIO_BYTES);
    fc.assert(
      fc.property(folio, (entry) => {
        const list = Buffer.alloc(3 * MEMFD_FOLIO_BYTES);
        writeMemfdFolio(list, MEMFD_FOLIO_BYTES, entry);
        const own = list.subarray(MEMFD_FOLIO_BYTES, 2 * MEMFD_FOLIO_BYTES);
        const values = { ...entry, flags: BigInt(entry.flags) };
        expect(own).toEqual(Buffer.from(encodeStruct(memfd_luo_folio_ser, target, values)));
        expect(decodeStruct(memfd_luo_folio_ser, target, own)).toEqual(values);
        expect(readMemfdFolio(list, MEMFD_FOLIO_BYTES)).toEqual(entry);
      }),
    );
  });
});

describe('the seals with a name', () => {
  it('are those that the kernel hands over', () => {
    expect(Object.values(SEALS).reduce((all: number, one) => all | one, 0)).toBe(MEMFD_LUO_ALL_SEALS);
  });
});
