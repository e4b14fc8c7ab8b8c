import { alignDown } from '../../base/numbers.ts';
import { type Block, rangeBlocks } from '../../respec/blocks.ts';
import type { Maker } from '../../respec/subtrees.ts';
import type { DecodedValue } from '../subtree.ts';
import { MEMBLOCK_KHO_FDT } from './abi.ts';
import { reserveMem } from './reserve-mem.ts';

/** The regions by name and size, each at its place. What they hold is left out. */
export const reserveMemPart: Maker = ({ target }, { phys, decoded }, blocks) => {
  const regions = regionsOf(decoded?.fields.regions);
  const page = BigInt(target.pageSize);
  const wanted = regions.flatMap(({ start, size }): Block[] => {
    const whole = alignDown(size, page);
    return start < page || whole === 0n ? [] : rangeBlocks(start, whole, target.pageShift);
  });
  const reserve_mem = regions.map(({ name, size }) => ({ name, size }));
  if (!reserveMem.schema.safeParse(reserve_mem).success) return undefined;
  if (!blocks.takeAll([[phys, 0], ...wanted])) return undefined;
  return {
    subtree: { reserve_mem },
    place: {
      [MEMBLOCK_KHO_FDT]: phys,
      ...Object.fromEntries(regions.map(({ name, start }) => [`${MEMBLOCK_KHO_FDT}/${name}`, start])),
    },
  };
};

function regionsOf(value: DecodedValue | undefined): { name: string; start: bigint; size: bigint }[] {
  if (!Array.isArray(value)) return [];
  const list: readonly DecodedValue[] = value;
  return list.flatMap((item) => {
    if (item === null || typeof item !== 'object' || !('name' in item)) return [];
    const { name, start, size } = item;
    return typeof name === 'string' && typeof start === 'bigint' && typeof size === 'bigint'
      ? [{ name, start, size }]
      : [];
  });
}
