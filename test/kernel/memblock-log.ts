import { type Region, regionEnd } from '../../src/memory/regions.ts';
import { overlaps } from '../../src/numbers.ts';
import type { Guest } from './guest.ts';
import { range } from './live-handover.ts';

/** Where kho_reserve_scratch() asks for the lowmem region; it is inlined into kho_memory_init() (7.3). */
const LOWMEM =
  /^memblock_phys_alloc_range: \d+ bytes align=(\S+) .* max_addr=(\S+) kho_(?:memory_init|reserve_scratch)\+/;

export interface ScratchRequest {
  readonly alignment: bigint;
  /** Address that the lowmem region must end at or below. */
  readonly maxAddr: bigint;
  /** What memblock could give at that moment. */
  readonly free: readonly Region[];
}

/**
 * The state of memblock when the kernel asked for scratch, as `memblock=debug` tells it: the last whole list, and
 * what was reserved and freed since (mm/memblock.c, 7.3).
 */
export function scratchRequest({ console }: Guest): ScratchRequest {
  const at = console.findIndex((line) => LOWMEM.test(line));
  const [, alignment, maxAddr] = LOWMEM.exec(console[at] ?? '') ?? [];
  if (alignment === undefined || maxAddr === undefined)
    throw new Error('memblock=debug shows no scratch request');
  const before = console.slice(0, at);
  const lines = before.slice(before.lastIndexOf('MEMBLOCK configuration:'));
  let free: Region[] = [];
  for (const line of lines) {
    const text = /\[(0x[0-9a-f]+-0x[0-9a-f]+)\]/.exec(line)?.[1];
    if (text === undefined) continue;
    if (/^memory\[|^memblock_phys_free: /.test(line.trim())) free.push(range(text));
    else if (/^reserved\[|^__memblock_reserve: /.test(line.trim())) {
      free = free.flatMap((region) => without(region, range(text)));
    }
  }
  return { alignment: BigInt(alignment), maxAddr: BigInt(maxAddr), free: joined(free) };
}

function without(region: Region, taken: Region): Region[] {
  const [end, takenEnd] = [regionEnd(region), regionEnd(taken)];
  if (!overlaps(region.start, end, taken.start, takenEnd)) return [region];
  const left = { start: region.start, size: taken.start - region.start };
  const right = { start: takenEnd, size: end - takenEnd };
  return [left, right].filter(({ size }) => size > 0n);
}

/** What was freed next to something free is one range with it. */
function joined(regions: readonly Region[]): Region[] {
  const result: Region[] = [];
  for (const region of [...regions].sort((a, b) => (a.start < b.start ? -1 : 1))) {
    const last = result.at(-1);
    if (last && regionEnd(last) === region.start) {
      result[result.length - 1] = { start: last.start, size: last.size + region.size };
    } else result.push(region);
  }
  return result;
}
