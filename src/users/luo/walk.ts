import type { Target } from '../../abi/target.ts';
import { asU64Native } from '../../fdt/values.ts';
import type { KernelFdt } from '../../kernel/libfdt.ts';
import { luoKind } from './kind.ts';

/** A node of LUO's FDT that leads to a table. */
export interface TableNode {
  readonly table: 'sessions' | 'flbs';
  readonly node: string;
  readonly compatible: string;
  readonly property: string;
}

export const sessionNode = ({ abi }: Target): TableNode => ({
  table: 'sessions',
  node: abi.text('LUO_FDT_SESSION_NODE_NAME'),
  compatible: abi.text('LUO_FDT_SESSION_COMPATIBLE'),
  property: abi.text('LUO_FDT_SESSION_HEADER'),
});

export const flbNode = ({ abi }: Target): TableNode => ({
  table: 'flbs',
  node: abi.text('LUO_FDT_FLB_NODE_NAME'),
  compatible: abi.text('LUO_FDT_FLB_COMPATIBLE'),
  property: abi.text('LUO_FDT_FLB_HEADER'),
});

/** A compatible of the tree. */
export interface CompatibleStep {
  readonly kind: 'compatible';
  /** Undefined for the root's. */
  readonly names?: TableNode;
  readonly wanted: string;
  /** What fdt_node_check_compatible() returns: 0 when it is the wanted one. */
  readonly error: number;
  /** Null when there is none. */
  readonly value: Uint8Array | null;
}

/** A property of 8 bytes: the number of live updates, or the address of a table. */
export interface NumberStep {
  readonly kind: 'number';
  /** Undefined for the number of live updates. */
  readonly names?: TableNode;
  readonly name: string;
  /** Undefined when it is missing or has another length. */
  readonly value: bigint | undefined;
  /** What fdt_getprop() says of it: its length, or an error. */
  readonly length: number;
}

/** A node that is not there; nothing more comes of it. */
export interface MissingStep {
  readonly kind: 'missing';
  readonly names: TableNode;
}

export type LuoFdtStep = CompatibleStep | NumberStep | MissingStep;

/** LUO's FDT in the order in which luo_early_startup() reads it (kernel/liveupdate/luo_*.c, 6.19 and 7.1). */
export function* walkLuoFdt(target: Target, fdt: KernelFdt): Generator<LuoFdtStep, void> {
  const { abi, endian } = target;
  const number = (name: string, node = fdt.root): NumberStep => {
    const bytes = fdt.property(name, node);
    return typeof bytes === 'number'
      ? { kind: 'number', name, value: undefined, length: bytes }
      : { kind: 'number', name, value: asU64Native(bytes, endian), length: bytes.length };
  };
  const compatible = (wanted: string, node = fdt.root): CompatibleStep => {
    const value = fdt.property('compatible', node);
    const error = fdt.checkCompatible(wanted, node);
    return { kind: 'compatible', wanted, error, value: typeof value === 'number' ? null : value };
  };
  yield compatible(abi.text('LUO_FDT_COMPATIBLE'));
  yield number(abi.text('LUO_FDT_LIVEUPDATE_NUM'));
  const tables = luoKind(target) === 'fdt-flb' ? [sessionNode, flbNode] : [sessionNode];
  for (const names of tables.map((of) => of(target))) {
    const node = fdt.child(names.node);
    if (typeof node === 'number') yield { kind: 'missing', names };
    else {
      yield { ...compatible(names.compatible, node), names };
      yield { ...number(names.property, node), names };
    }
  }
}
