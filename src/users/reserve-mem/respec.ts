import { alignDown } from '../../base/numbers.ts';
import { type Block, rangeBlocks } from '../../memory/preserved-blocks.ts';
import type { DecodedValue, LocatedSubtree, SpecFragment } from '../user.ts';
import { PATH, regionPath } from './paths.ts';

/** The regions by name and size, each at its place. What they hold is left out. */
export function respec({ target, phys, decoded }: LocatedSubtree): SpecFragment {
  const regions = regionsOf(decoded?.fields.regions);
  const page = BigInt(target.pageSize);
  const pages = regions.flatMap(({ start, size }): Block[] => {
    const whole = alignDown(size, page);
    return start < page || whole === 0n ? [] : rangeBlocks(start, whole, target.pageShift);
  });
  return {
    spec: regions.map(({ name, size }) => ({ name, size })),
    place: {
      [PATH]: phys,
      ...Object.fromEntries(regions.map(({ name, start }) => [regionPath(name), start])),
    },
    claims: [[phys, 0], ...pages],
  };
}

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
