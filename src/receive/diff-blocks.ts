import { walkMemoryMap } from '../memory/walk-map.ts';
import type { Image } from '../model/image.ts';

/** Blocks of one order that stand in a row. */
export interface BlockRun {
  readonly order: number;
  readonly start: bigint;
  readonly end: bigint;
}

/** A handover's memory map; null or 0n when it has none. */
export interface MapSide {
  readonly image: Image;
  readonly map: bigint | null;
}

/** Blocks of one map that are compared, 9 bytes each. */
const MAX_BLOCKS = 1 << 26;

/** Preserved memory by order: a folio that changed its order is removed and added. */
export function diffBlocks(a: MapSide, b: MapSide): { added: BlockRun[]; removed: BlockRun[] } {
  const [left, right] = [runsByOrder(a), runsByOrder(b)];
  const orders = [...new Set([...left.keys(), ...right.keys()])].sort((x, y) => x - y);
  const only = (mine: Map<number, BlockRun[]>, theirs: Map<number, BlockRun[]>) =>
    orders.flatMap((order) => subtract(mine.get(order) ?? [], theirs.get(order) ?? []));
  return { added: only(right, left), removed: only(left, right) };
}

function runsByOrder({ image, map }: MapSide): Map<number, BlockRun[]> {
  const runs = new Map<number, { order: number; start: bigint; end: bigint }[]>();
  if (!map) return runs;
  const { folios } = walkMemoryMap(image.target, image.memory, map, { maxFolios: MAX_BLOCKS });
  folios.phys.forEach((start, i) => {
    const order = folios.orders[i] ?? 0;
    const end = start + (1n << BigInt(order + image.target.pageShift));
    const list = runs.get(order) ?? [];
    const last = list.at(-1);
    if (last?.end === start) last.end = end;
    else list.push({ order, start, end });
    runs.set(order, list);
  });
  return runs;
}

/** What of `mine` is not in `theirs`; both are ascending and without overlap. */
function subtract(mine: readonly BlockRun[], theirs: readonly BlockRun[]): BlockRun[] {
  const left: BlockRun[] = [];
  let next = 0;
  for (const { order, start, end } of mine) {
    let at = start;
    while ((theirs[next]?.end ?? end) <= start && next < theirs.length) next++;
    for (let i = next; at < end; i++) {
      const other = theirs[i];
      if (!other || other.start >= end) break;
      if (other.start > at) left.push({ order, start: at, end: other.start });
      if (other.end > at) at = other.end;
    }
    if (at < end) left.push({ order, start: at, end });
  }
  return left;
}
