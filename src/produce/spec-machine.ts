import { makeTarget, type Target } from '../abi/target.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import { hex, humanSize, toNumber } from '../base/numbers.ts';
import { overlapping } from '../memory/intervals.ts';
import { intersect, nodeRegions } from '../memory/nodes.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { ParsedSpec } from '../specfile/schema.ts';
import { defaultRam } from './scratch.ts';

export function specTarget({ target = {} }: ParsedSpec): Target {
  return makeTarget({
    ...(target.release === undefined ? {} : { release: target.release }),
    ...(target.generation === undefined ? {} : { generation: target.generation }),
    ...(target.arch === undefined ? {} : { arch: target.arch }),
    ...(target.page_size === undefined ? {} : { pageSize: toNumber(target.page_size, 'target.page_size') }),
  });
}

const MIN_RAM = 32n << 20n;
/** Physical addresses have 52 bits at most (x86: MAX_PHYSMEM_BITS, arm64: PHYS_MASK_SHIFT, 7.3). */
const MAX_RAM_END = 1n << 52n;

export function specRam(spec: ParsedSpec, target: Target): Region[] {
  const regions = Array.isArray(spec.ram) ? spec.ram : machineRam(spec.ram, target);
  for (const [i, one] of regions.entries()) {
    const specPath = Array.isArray(spec.ram) ? ['ram', i] : ['ram'];
    const end = regionEnd(one);
    if (one.size === 0n) throw new KhoforgeError('RAM_INVALID', 'a range of no bytes', { specPath });
    if (end > MAX_RAM_END) {
      const text = `RAM up to ${hex(end)}: physical addresses end at ${hex(MAX_RAM_END)}`;
      throw new KhoforgeError('RAM_INVALID', text, { specPath });
    }
  }
  const pair = overlapping(regions)?.map((one) => ({ one, at: regions.indexOf(one) }));
  const [first, second] = pair?.sort((a, b) => a.at - b.at) ?? [];
  if (!first || !second) return regions;
  const text = `${rangeText(second.one)} overlaps range ${first.at}, ${rangeText(first.one)}`;
  throw new KhoforgeError('RAM_INVALID', text, {
    specPath: ['ram', second.at],
    hint: 'give each range an end below the start of the next',
  });
}

const rangeText = (region: Region) => `${hex(region.start)}-${hex(regionEnd(region))}`;

function machineRam(asked: bigint | undefined, target: Target): Region[] {
  const size = asked ?? defaultRam(target);
  if (size >= MIN_RAM && size <= MAX_RAM_END) return ARCHITECTURES[target.arch].machineRam(size);
  const limits = `${humanSize(MIN_RAM)} to ${humanSize(MAX_RAM_END)}`;
  throw new KhoforgeError('RAM_INVALID', `${humanSize(size)}: expected ${limits}`, { specPath: ['ram'] });
}

/** RAM of each node. */
export function specNodes({ nodes }: ParsedSpec, { arch }: Target, ram: readonly Region[]): Region[][] {
  if (nodes === undefined) return [[...ram]];
  return nodeRegions(ARCHITECTURES[arch].machineFor(ram), nodes).map((node) => intersect(ram, node));
}
