import { type Checks, error, reporter, warning } from '../../kernel/check.ts';

/** mm/memblock.c: reserve_mem_kho_revive(), for a receiver that is booted with reserve_mem= */
export const checks = {
  'memblock-format': warning('kernel', 'a memblock FDT that no reserve_mem= is revived from'),
  'memblock-region': warning('kernel', 'a reserve_mem region that is not revived'),
  'memblock-not-preserved': error('rule', 'a reserve_mem region that is not preserved'),
} as const satisfies Checks;

export const report = reporter(checks);
