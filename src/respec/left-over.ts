import type { PreservedBlocks } from '../memory/preserved-blocks.ts';
import { pfnText } from '../specfile/pfn-list.ts';
import type { Spec } from '../specfile/schema.ts';

type Preserve = NonNullable<Spec['preserve']>[number];

/** Contiguous blocks of one order. */
interface Run {
  readonly order: number;
  readonly addr: bigint;
  count: number;
}

/** More runs are listed by their page frame numbers, an entry for each order. */
const MAX_ENTRIES = 1000;

/** The blocks that no structure claims; contiguous ones of one order are one entry `NAME-<address>`, unless they are many. */
export function leftOver(blocks: PreservedBlocks, pageShift: number, name: string): Preserve[] {
  const runs = runsOf(blocks, pageShift);
  if (runs.length > MAX_ENTRIES) return listed(runs, pageShift, name);
  return runs.map(({ order, addr, count }) => {
    return { name: `${name}-${addr.toString(16)}-${order}`, order, count, addr };
  });
}

function runsOf(blocks: PreservedBlocks, pageShift: number): Run[] {
  const runs: Run[] = [];
  blocks.phys.forEach((addr, i) => {
    if (blocks.isClaimed(i)) return;
    const order = blocks.orders[i] ?? 0;
    const last = runs.at(-1);
    const size = 1n << BigInt(order + pageShift);
    if (last && last.order === order && last.addr + BigInt(last.count) * size === addr) last.count++;
    else runs.push({ order, count: 1, addr });
  });
  return runs;
}

function listed(runs: readonly Run[], pageShift: number, name: string): Preserve[] {
  const orders = [...new Set(runs.map(({ order }) => order))].sort((a, b) => a - b);
  const shift = BigInt(pageShift);
  return orders.map((order) => {
    const own = runs.filter((run) => run.order === order);
    const ranges = own.map(({ addr, count }) => {
      const first = addr >> shift;
      return { first, end: first + (BigInt(count) << BigInt(order)) };
    });
    return { name: `${name}-order-${order}`, order, pfns: pfnText(ranges) };
  });
}
