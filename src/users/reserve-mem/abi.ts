/** Strings of include/linux/kho/abi/memblock.h (7.1; in mm/memblock.c before). */
export const MEMBLOCK_KHO_FDT = 'memblock';
export const MEMBLOCK_KHO_NODE_COMPATIBLE = 'memblock-v1';
export const RESERVE_MEM_KHO_NODE_COMPATIBLE = 'reserve-mem-v1';

/** Properties of a reserve_mem node, both a u64 (mm/memblock.c: reserve_mem_kho_revive). */
export const RESERVE_MEM_START = 'start';
export const RESERVE_MEM_SIZE = 'size';

/** Regions that a kernel keeps, and bytes of a label with its NUL (mm/memblock.c, 7.3). */
export const RESERVE_MEM_MAX_ENTRIES = 8;
export const RESERVE_MEM_NAME_SIZE = 16;
