import type { Target } from '../../abi/target.ts';
import { emitFdt, type FdtBody, overrideHeader } from '../../emit/emit-fdt.ts';
import { type FdtNode, findNode, getProperty, readFdt } from '../../fdt/reader.ts';
import { asCString, asU64Native, cString, u64Native } from '../../fdt/values.ts';
import type { LuoForm } from './luo.ts';
import { PATH } from './path.ts';
import { emitArray } from './tables.ts';

/** An FDT with fixed arrays: luo_fdt_setup(), luo_session_setup_outgoing() (kernel/liveupdate/luo_*.c, 6.19, 7.1). */
export const luoFdt: LuoForm = {
  format: 'FDT of kernel/liveupdate/luo_core.c',

  emitFiles: (producer, path, files) =>
    emitArray(producer, path, 'LUO_FILE_PGCNT', { entry: 'luo_file_ser', values: files }),

  emitRoot(producer, { number, sessions, flbs }) {
    const { target, overrides, pageSize } = producer;
    const array = emitArray(producer, `${PATH}/sessions`, 'LUO_SESSION_PGCNT', {
      header: { name: 'luo_session_header_ser', values: { count: BigInt(sessions.length) } },
      entry: 'luo_session_ser',
      values: sessions,
    });
    const phys = producer.allocateFolioFor(PATH, pageSize);
    const u64 = (value: bigint) => u64Native(value, target.endian);
    const blob = emitFdt(producer, PATH, target.pageSize, (fdt) => {
      fdt.property('compatible', cString(target.abi.text('LUO_FDT_COMPATIBLE')));
      fdt.property(target.abi.text('LUO_FDT_LIVEUPDATE_NUM'), u64(number));
      emitTable(fdt, sessionNode(target), u64(array));
      if (target.generation.luo === 'fdt-flb') emitTable(fdt, flbNode(target), u64(flbs));
    });
    overrideHeader(overrides, PATH, blob);
    producer.memory.write(phys, blob);
    producer.addSubtree({
      name: target.abi.text('LUO_KHO_ENTRY_NAME'),
      phys,
      size: BigInt(blob.length),
    });
  },

  decodeRoot({ target, bytes }, tables, problems) {
    const { root } = readFdt(bytes);
    const compatible = checkCompatible(root, target.abi.text('LUO_FDT_COMPATIBLE'), problems);
    const number = u64At(target, root, target.abi.text('LUO_FDT_LIVEUPDATE_NUM'), problems);
    const array = tableAt(target, root, sessionNode(target), problems);
    const sessions =
      array === null
        ? []
        : tables.array('sessions', array, 'LUO_SESSION_PGCNT', {
            header: 'luo_session_header_ser',
            entry: 'luo_session_ser',
            countOf: ({ count }) => count,
          });
    const fields = { compatible, liveupdate_num: number, sessions_pa: array };
    if (target.generation.luo !== 'fdt-flb') return { fields, sessions, flbs: 0n };
    const flbs = tableAt(target, root, flbNode(target), problems);
    return { fields: { ...fields, flbs_pa: flbs }, sessions, flbs: flbs ?? 0n };
  },

  decodeFiles(tables, what, session) {
    const { 'file_set_ser.files': table, 'file_set_ser.count': count } = session;
    if (table === 0n) return { entries: [], blocks: [] };
    return { entries: tables.list(what, table, 'LUO_FILE_PGCNT', 'luo_file_ser', count), blocks: [table] };
  },
};

/** A node that leads to a table. */
interface TableNode {
  readonly node: string;
  readonly compatible: string;
  readonly property: string;
}

export const sessionNode = (target: Target): TableNode => ({
  node: target.abi.text('LUO_FDT_SESSION_NODE_NAME'),
  compatible: target.abi.text('LUO_FDT_SESSION_COMPATIBLE'),
  property: target.abi.text('LUO_FDT_SESSION_HEADER'),
});

export const flbNode = (target: Target): TableNode => ({
  node: target.abi.text('LUO_FDT_FLB_NODE_NAME'),
  compatible: target.abi.text('LUO_FDT_FLB_COMPATIBLE'),
  property: target.abi.text('LUO_FDT_FLB_HEADER'),
});

function emitTable(fdt: FdtBody, { node, compatible, property }: TableNode, address: Uint8Array): void {
  fdt.node(node, () => {
    fdt.property('compatible', cString(compatible));
    fdt.property(property, address);
  });
}

function tableAt(target: Target, root: FdtNode, names: TableNode, problems: string[]): bigint | null {
  const node = findNode(root, `/${names.node}`);
  checkCompatible(node, names.compatible, problems);
  return u64At(target, node, names.property, problems);
}

function checkCompatible(node: FdtNode | undefined, expected: string, problems: string[]): string | null {
  const property = node && getProperty(node, 'compatible');
  const found = (property && asCString(property.value)) ?? null;
  if (found !== expected) problems.push(`compatible is '${found ?? ''}', expected '${expected}'`);
  return found;
}

function u64At(target: Target, node: FdtNode | undefined, name: string, problems: string[]): bigint | null {
  const property = node && getProperty(node, name);
  const value = property && asU64Native(property.value, target.endian);
  if (value === undefined) problems.push(`${name} is missing or not 8 bytes`);
  return value ?? null;
}
