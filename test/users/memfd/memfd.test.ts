import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../../src/abi/target.ts';
import { buildImage } from '../../../src/produce/build-image.ts';
import { verifyImage } from '../../../src/receive/verify.ts';
import { SEALS } from '../../../src/users/memfd/seals.ts';

describe('the seals with a name', () => {
  it('are those that the kernel hands over', () => {
    const all = Object.values(SEALS).reduce<number>((sum, one) => sum | one, 0);
    expect(all).toBe(makeTarget({ release: '7.3' }).abi.number('MEMFD_LUO_ALL_SEALS'));
  });
});

describe('a list of folios', () => {
  it('is read where a page of it is in the image in part: the rest of that is zeroes', () => {
    const content = { text: 'of no folio' };
    const files = [1, 2].map((token) => ({ token, memfd: { content } }));
    const image = buildImage({
      target: { release: '7.3' },
      subtrees: [{ luo: { sessions: [{ name: 's', files }] } }],
      place: { 'LUO/sessions[0]/files[1]/memfd/folios[0]': 0x8000000 },
      override: { 'LUO/sessions[0]/files[0]/memfd/folios/chunks[0]/phys[0]': 0x8000000 },
    });
    const { findings } = verifyImage(image, { cmdline: 'liveupdate=on' });
    const pfn = Buffer.from('of no fo').readBigUInt64LE() & ((1n << 52n) - 1n);
    const line = `memfd_luo: Unable to restore folio at physical address: ${(pfn << 12n).toString(16)}`;
    expect(findings.map(({ kernel }) => kernel)).toContain(line);
  });
});
