import { alignDown } from '../../base/numbers.ts';
import { type Region, regionEnd } from '../../memory/regions.ts';

const PAGE = 0x1000n;
const HUGE = 1n << 21n;
const PRESENT_WRITABLE = 3n;
const PAGE_SIZE_BIT = 0x80n;

/**
 * Four-level page tables for `base` that map the ranges one to one with 2 MiB pages (Intel SDM volume 3, 4.5). Their
 * number does not depend on `base`. The top one is the first.
 */
export function identityTables(base: bigint, ranges: readonly Region[]): Uint8Array {
  const nodes: BigUint64Array[] = [new BigUint64Array(512)];
  const address = (index: number) => base + BigInt(index) * PAGE;
  const child = (table: number, slot: number): number => {
    const entry = nodes[table]?.[slot] ?? 0n;
    if (entry !== 0n) return Number((alignDown(entry, PAGE) - base) / PAGE);
    const index = nodes.push(new BigUint64Array(512)) - 1;
    nodes[table]?.fill(address(index) | PRESENT_WRITABLE, slot, slot + 1);
    return index;
  };
  const slot = (at: bigint, shift: bigint) => Number((at >> shift) & 511n);
  for (const range of ranges) {
    for (let at = alignDown(range.start, HUGE); at < regionEnd(range); at += HUGE) {
      const directory = child(child(0, slot(at, 39n)), slot(at, 30n));
      nodes[directory]?.fill(at | PRESENT_WRITABLE | PAGE_SIZE_BIT, slot(at, 21n), slot(at, 21n) + 1);
    }
  }
  const raw = Buffer.alloc(nodes.length * Number(PAGE));
  nodes.forEach((node, i) => {
    node.forEach((entry, j) => {
      raw.writeBigUInt64LE(entry, i * Number(PAGE) + j * 8);
    });
  });
  return raw;
}
