import type { Target } from '../../abi/target.ts';

/** How LUO's state stands in memory: an FDT (6.19), one with a node of FLBs (7.1), or struct luo_ser and chains of blocks. */
export type LuoKind = 'fdt' | 'fdt-flb' | 'struct';

/** What the target's kernel has of them (kernel/liveupdate/luo_core.c); undefined where it has no LUO. */
export function luoKind({ abi }: Target): LuoKind | undefined {
  // By structures: a tree that lacks one of the strings is refused by the name of that string.
  if (abi.has('luo_ser')) return 'struct';
  if (!abi.has('luo_session_header_ser')) return undefined;
  return abi.has('luo_flb_ser') ? 'fdt-flb' : 'fdt';
}
