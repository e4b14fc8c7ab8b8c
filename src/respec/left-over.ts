import type { PreservedBlocks } from '../memory/preserved-blocks.ts';
import type { Spec } from '../specfile/schema.ts';

type Preserve = NonNullable<Spec['preserve']>[number];

/** The blocks that no structure claims; contiguous ones of one order are one entry `NAME-<address>`. */
export function leftOver(blocks: PreservedBlocks, pageShift: number, name: string): Preserve[] {
  const entries: (Preserve & { count: number; order: number; addr: bigint })[] = [];
  blocks.phys.forEach((addr, i) => {
    if (blocks.isClaimed(i)) return;
    const order = blocks.orders[i] ?? 0;
    const last = entries.at(-1);
    const size = 1n << BigInt(order + pageShift);
    if (last && last.order === order && last.addr + BigInt(last.count) * size === addr) last.count++;
    else entries.push({ name: `${name}-${addr.toString(16)}-${order}`, order, count: 1, addr });
  });
  return entries;
}
