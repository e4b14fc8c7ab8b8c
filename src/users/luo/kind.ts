import type { Target } from '../../abi/target.ts';

/** How LUO's state stands in memory: an FDT (6.19), one with a node of FLBs (7.1), or struct luo_ser and chains of blocks. */
export type LuoKind = 'fdt' | 'fdt-flb' | 'struct';

/** What the target's kernel has of them (kernel/liveupdate/luo_core.c); undefined where it has no LUO. */
export function luoKind({ abi }: Target): LuoKind | undefined {
  if (abi.has('LUO_ABI_COMPATIBLE')) return 'struct';
  if (!abi.has('LUO_FDT_COMPATIBLE')) return undefined;
  return abi.has('LUO_FDT_FLB_NODE_NAME') ? 'fdt-flb' : 'fdt';
}
