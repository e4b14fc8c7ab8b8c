import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../../src/abi/target.ts';
import { SEALS } from '../../../src/users/memfd/seals.ts';

describe('the seals with a name', () => {
  it('are those that the kernel hands over', () => {
    const all = Object.values(SEALS).reduce<number>((sum, one) => sum | one, 0);
    expect(all).toBe(makeTarget({ release: '7.3' }).abi.number('MEMFD_LUO_ALL_SEALS'));
  });
});
