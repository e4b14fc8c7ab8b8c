import { overlaps } from '../../src/base/numbers.ts';
import { intersect } from '../../src/memory/nodes.ts';
import { type Region, regionEnd } from '../../src/memory/regions.ts';
import type { Reserved } from '../../src/produce/scratch-size.ts';

/** What memblock had when the kernel asked for scratch. */
export interface MemblockState {
  readonly ram: readonly Region[];
  readonly reserved: readonly Reserved[];
  /** Of scratch, which up to 7.1 depends on the kernel's configuration: a pageblock. */
  readonly alignment: bigint;
}

/** memory or reserved of the whole list, __memblock_reserve() or memblock_phys_free(). */
const LINE =
  /^(memory|reserved|__memblock_reserve|memblock_phys_free)(?:\[\S+\])?:?\s+\[(0x[0-9a-f]+)-(0x[0-9a-f]+)\](?:.* on node (\d+))?(?: nid=(-?\d+))?(?:.*flags[=:] ?(?:0x)?([0-9a-f]+))?/;
/** MEMBLOCK_RSRV_KERN (include/linux/memblock.h, 7.3). */
const RSRV_KERN = 0x20;
/** NUMA_NO_NODE: a node that memblock_reserve() gives, and no node of a machine (include/linux/numa.h, 7.3). */
const NO_NODE = -1;

/**
 * The state of memblock as `memblock=debug` tells it: the last whole list, and what was reserved and freed since
 * (mm/memblock.c, 7.3), up to the first thing that kho_reserve_scratch() asks for, which is its array.
 * @param nodes memory of each node
 */
export function stateBeforeScratch(
  console: readonly string[],
  nodes: readonly (readonly Region[])[],
): MemblockState {
  const at = console.findIndex((line) =>
    /^memblock_\w*alloc.* kho_(?:memory_init|reserve_scratch)\+/.test(line),
  );
  if (at < 0) throw new Error('memblock=debug shows no request for scratch');
  const before = console.slice(0, at);
  const lines = before.slice(before.lastIndexOf('MEMBLOCK configuration:'));
  const ram: Region[] = [];
  let reserved: Reserved[] = [];
  let placed = false;
  for (const line of lines) {
    const [, what, first = '0', last = '0', listed, given, flags = '0'] = LINE.exec(line.trim()) ?? [];
    if (what === undefined) continue;
    const region = { start: BigInt(first), size: BigInt(last) - BigInt(first) + 1n };
    if (what === 'memory') ram.push(region);
    else if (what === 'memblock_phys_free') reserved = reserved.flatMap((one) => without(one, region));
    else {
      const node = Number(listed ?? given ?? NO_NODE);
      // The first that is asked from a node is its NODE_DATA. Just before, all that is reserved so far was
      // given to the node it is on (numa_clear_kernel_node_hotplug(), mm/numa_memblks.c).
      if (given !== undefined && node >= 0 && !placed) {
        reserved = reserved.flatMap((one) => onNodes(one, nodes));
        placed = true;
      }
      const kernel = (Number.parseInt(flags, 16) & RSRV_KERN) !== 0;
      const whole: Reserved = { ...region, kernel, ...(node >= 0 && { node }) };
      // What was reserved before stays as it is (memblock_add_range()).
      reserved.push(...reserved.reduce((parts, one) => parts.flatMap((part) => without(part, one)), [whole]));
    }
  }
  const [alignment] = console
    .slice(at + 1)
    .flatMap((line) => /^memblock_phys_alloc_range: .* align=(0x\w+) .* kho_/.exec(line)?.[1] ?? []);
  return { ram, reserved, alignment: BigInt(alignment ?? 0) };
}

function onNodes({ start, size, kernel }: Reserved, nodes: readonly (readonly Region[])[]): Reserved[] {
  return nodes.flatMap((regions, node) =>
    intersect([{ start, size }], regions).map((part): Reserved => ({ ...part, kernel, node })),
  );
}

function without(region: Reserved, taken: Region): Reserved[] {
  const [end, takenEnd] = [regionEnd(region), regionEnd(taken)];
  if (!overlaps(region.start, end, taken.start, takenEnd)) return [region];
  const left = { ...region, size: taken.start - region.start };
  const right = { ...region, start: takenEnd, size: end - takenEnd };
  return [left, right].filter(({ size }) => size > 0n);
}
