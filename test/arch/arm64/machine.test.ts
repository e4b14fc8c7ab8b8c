import { expect, it } from 'vitest';
import { virtMachine, virtRam } from '../../../src/arch/arm64/machine.ts';

const GiB = 1n << 30n;

it('the virt machine has one bank, from 1 GiB on', () => {
  expect(virtRam(GiB)).toEqual([{ start: GiB, size: GiB }]);
  const machine = virtMachine([{ start: GiB + 4096n, size: GiB }]);
  expect(machine).toMatchObject({ type: 'virt', size: GiB + (1n << 20n) });
  expect(() => virtMachine([{ start: 0n, size: GiB }])).toThrow('no QEMU machine');
});
