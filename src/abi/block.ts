import { defineStruct, layoutOf, type StructDef, u64 } from './layout.ts';
import type { Target } from './target.ts';

const HEADER = 'include/linux/kho/abi/block.h (7.2)';

/** Bytes of one serialization block: a page. */
export const khoBlockSize = (target: Pick<Target, 'pageSize'>): number => target.pageSize;

/** KHO_MAX_BLOCKS: a receiver follows no more blocks of one set (kernel/liveupdate/kho_block.c, 7.2). */
export const KHO_MAX_BLOCKS = 10000;

/** At the start of each block; `count` entries follow. */
export const kho_block_header_ser = defineStruct({
  name: 'kho_block_header_ser',
  source: HEADER,
  packed: true,
  fields: { next: u64, count: u64 },
});

/** Entries of one block: KHO_BLOCK_SET_INIT (include/linux/kho_block.h, 7.2). */
export function khoBlockCapacity(target: Target, entry: StructDef): number {
  const room = khoBlockSize(target) - layoutOf(kho_block_header_ser, target).size;
  return Math.floor(room / layoutOf(entry, target).size);
}
