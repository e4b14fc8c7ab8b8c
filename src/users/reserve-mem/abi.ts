import { defineAbi } from '../../abi/entry.ts';

/** include/linux/kho/abi/memblock.h (7.1; in mm/memblock.c before) */
export const MEMBLOCK_ABI = defineAbi([
  {
    from: '6.16',
    strings: {
      MEMBLOCK_KHO_FDT: 'memblock',
      MEMBLOCK_KHO_NODE_COMPATIBLE: 'memblock-v1',
      RESERVE_MEM_KHO_NODE_COMPATIBLE: 'reserve-mem-v1',
    },
    // of a reserve_mem node, both a u64 (mm/memblock.c: reserve_mem_kho_revive)
    properties: { 'memblock:start': 8, 'memblock:size': 8 },
  },
]);
