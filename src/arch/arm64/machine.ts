import { alignUp } from '../../base/numbers.ts';
import type { Machine } from '../../memory/machine.ts';
import { isWithin, type Region, regionEnd } from '../../memory/regions.ts';
import { noMachine } from '../no-machine.ts';

/** Where the virt machine's RAM begins (QEMU hw/arm/virt.c: VIRT_MEM). */
const VIRT_RAM = 1n << 30n;
const MiB = 1n << 20n;

/** RAM of the virt machine, which has no firmware: one bank. */
export const virtRam = (size: bigint): Region[] => [{ start: VIRT_RAM, size }];

/**
 * The virt machine that has all of `ram`.
 * @param size bytes of guest memory, when the user asks for more than needed
 * @throws KhoforgeError `RAM_NOT_QEMU`
 */
export function virtMachine(ram: readonly Region[], size?: bigint): Machine {
  const top = [VIRT_RAM, ...ram.map(regionEnd)].toSorted((a, b) => (a < b ? -1 : 1)).at(-1) ?? VIRT_RAM;
  const bytes = alignUp(size ?? top - VIRT_RAM, MiB);
  const banks = virtRam(bytes);
  const inside = ram.every((region) => isWithin(banks, region.start, regionEnd(region)));
  if (!inside || ram.length === 0) throw noMachine(ram, size, 'RAM of the virt machine begins at 1 GiB');
  return {
    type: 'virt',
    cpu: 'cortex-a76', // it has all three page sizes
    size: bytes,
    banks,
    backing: banks,
    usable: banks,
    scribbled: [],
    reserved: [],
  };
}
