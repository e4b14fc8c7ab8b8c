import type { Target } from '../../abi/target.ts';
import type { FdtToken } from '../../fdt/tokens.ts';
import { asU64Native } from '../../fdt/values.ts';
import type { KernelFdt } from '../../kernel/libfdt.ts';

interface Compatible {
  readonly wanted: string;
  /** What fdt_node_check_compatible() returns: 0 when it is the wanted one. */
  readonly error: number;
  /** Null when there is none. */
  readonly compatible: Uint8Array | null;
}

export interface RegionStep extends Compatible {
  readonly kind: 'region';
  readonly name: string;
  /** Undefined when it is missing or not 8 bytes, as the size. */
  readonly start: bigint | undefined;
  readonly size: bigint | undefined;
}

export type MemblockStep = (Compatible & { readonly kind: 'tree' }) | RegionStep;

/** What reserve_mem_kho_revive() reads (mm/memblock.c, 6.18 to 7.3): the tree, then region by region. */
export function* walkMemblock({ abi, endian }: Target, fdt: KernelFdt): Generator<MemblockStep, void> {
  const compatible = (wanted: string, node: FdtToken | number): Compatible => {
    const value = fdt.property('compatible', node);
    const error = fdt.checkCompatible(wanted, node);
    return { wanted, error, compatible: typeof value === 'number' ? null : value };
  };
  const u64 = (name: string, node: FdtToken) => {
    const value = fdt.property(name, node);
    return typeof value === 'number' ? undefined : asU64Native(value, endian);
  };
  yield { kind: 'tree', ...compatible(abi.text('MEMBLOCK_KHO_NODE_COMPATIBLE'), fdt.root) };
  for (const { name, node } of fdt.children()) {
    yield {
      kind: 'region',
      name,
      ...compatible(abi.text('RESERVE_MEM_KHO_NODE_COMPATIBLE'), node),
      start: u64(abi.text('memblock:start'), node),
      size: u64(abi.text('memblock:size'), node),
    };
  }
}
