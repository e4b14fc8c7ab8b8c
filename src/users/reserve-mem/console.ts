import type { ConsoleLines } from '../user.ts';

/** reserve_mem_kho_retrieve_fdt(), reserve_mem_kho_revive() (mm/memblock.c, 7.3). */
export const consoleLines: ConsoleLines = {
  speaks: [
    /^(?:Revived memory reservation|FDT 'memblock'|failed to retrieve FDT 'memblock'|Node '.*' is incompat|KHO reserve-mem|reserve_mem: )/,
  ],
  proofs: [{ name: 'reserve_mem', line: /^Revived memory reservation '.*' from KHO/ }],
  refusals: [
    { name: 'memblock', line: /^FDT 'memblock' (?:is incompatible with|has no child)/ },
    { name: 'memblock', line: /^failed to retrieve FDT 'memblock' from KHO/ },
    { name: 'reserve_mem', line: /^Node '.*' is incompatible with 'reserve-mem-/ },
    { name: 'reserve_mem', line: /^KHO reserve-mem '.*' has wrong (?:alignment|size)/ },
  ],
  failures: [],
};
