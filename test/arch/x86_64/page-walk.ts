/**
 * What the processor makes of an address (Intel SDM volume 3, 4.5 "4-level paging", 2 MiB pages).
 * @param tables memory from `base` on; the table of the highest of `shifts` is first
 */
export function walk(
  tables: Buffer,
  base: bigint,
  address: bigint,
  shifts: readonly bigint[] = [39n, 30n, 21n],
): bigint | undefined {
  let table = base;
  for (const shift of shifts) {
    const entry = tables.readBigUInt64LE(Number(table - base + ((address >> shift) & 511n) * 8n));
    if ((entry & 1n) === 0n) return undefined;
    const next = entry & 0xffffffffff000n;
    if (shift === 21n) return (entry & 0x80n) !== 0n ? next + (address & 0x1fffffn) : undefined;
    table = next;
  }
  return undefined;
}
