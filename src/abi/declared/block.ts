import { defineAbi } from '../entry.ts';
import { defineStruct, u64 } from '../layout.ts';

/** At the start of each block; `count` entries follow. */
const kho_block_header_ser = defineStruct({
  name: 'kho_block_header_ser',
  source: 'include/linux/kho/abi/block.h (7.2)',
  packed: true,
  fields: { next: u64, count: u64 },
});

/** Chains of serialization blocks: include/linux/kho/abi/block.h, kernel/liveupdate/kho_block.c. */
export const BLOCK_ABI = defineAbi([
  { from: '7.2', struct: kho_block_header_ser },
  {
    from: '7.2',
    // a block is a page; a receiver follows no more blocks of one set than KHO_MAX_BLOCKS
    numbers: { KHO_BLOCK_SIZE: ({ pageSize }) => pageSize, KHO_MAX_BLOCKS: 10000 },
  },
]);
