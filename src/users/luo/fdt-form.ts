import { emitFdt, type FdtBody, overrideHeader } from '../../emit/emit-fdt.ts';
import { asCString, cString, u64Native } from '../../fdt/values.ts';
import { KernelFdt } from '../../kernel/libfdt.ts';
import type { LuoForm } from './form.ts';
import { luoKind } from './kind.ts';
import { PATH, SESSIONS_PATH } from './paths.ts';
import { emitArray } from './tables.ts';
import { flbNode, sessionNode, type TableNode, walkLuoFdt } from './walk.ts';

/** An FDT with fixed arrays: luo_fdt_setup(), luo_session_setup_outgoing() (kernel/liveupdate/luo_*.c, 6.19, 7.1). */
export const luoFdt: LuoForm = {
  format: 'FDT of kernel/liveupdate/luo_core.c',

  emitFiles: (producer, path, files) =>
    emitArray(producer, path, 'LUO_FILE', { entry: 'luo_file_ser', values: files }),

  emitRoot(producer, { number, sessions, flbs }) {
    const { target, overrides } = producer;
    const room = target.abi.number('LUO_FDT_SIZE');
    const array = emitArray(producer, SESSIONS_PATH, 'LUO_SESSION', {
      header: { name: 'luo_session_header_ser', values: { count: BigInt(sessions.length) } },
      entry: 'luo_session_ser',
      values: sessions,
    });
    const phys = producer.allocateFolioFor(PATH, BigInt(room));
    const u64 = (value: bigint) => u64Native(value, target.endian);
    const blob = emitFdt(producer, PATH, room, (fdt) => {
      fdt.property('compatible', cString(target.abi.text('LUO_FDT_COMPATIBLE')));
      fdt.property(target.abi.text('LUO_FDT_LIVEUPDATE_NUM'), u64(number));
      emitTable(fdt, sessionNode(target), u64(array));
      if (luoKind(target) === 'fdt-flb') emitTable(fdt, flbNode(target), u64(flbs));
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
    let compatible: string | null = null;
    const numbers: { [of in 'root' | TableNode['table']]: bigint | null } = {
      root: null,
      sessions: null,
      flbs: null,
    };
    const wrongNumber = (name: string) => problems.push(`${name} is missing or not 8 bytes`);
    const wrongCompatible = (found: string | null, wanted: string) =>
      problems.push(`compatible is '${found ?? ''}', expected '${wanted}'`);
    for (const step of walkLuoFdt(target, KernelFdt.whole(bytes))) {
      if (step.kind === 'missing') {
        wrongCompatible(null, step.names.compatible);
        wrongNumber(step.names.property);
      } else if (step.kind === 'number') {
        numbers[step.names?.table ?? 'root'] = step.value ?? null;
        if (step.value === undefined) wrongNumber(step.name);
      } else {
        const found = (step.value && asCString(step.value)) ?? null;
        if (!step.names) compatible = found;
        if (found !== step.wanted) wrongCompatible(found, step.wanted);
      }
    }
    const { root: liveupdate_num, sessions: sessions_pa, flbs: flbs_pa } = numbers;
    const sessions =
      sessions_pa === null
        ? []
        : tables.array('sessions', sessions_pa, 'LUO_SESSION', {
            header: 'luo_session_header_ser',
            entry: 'luo_session_ser',
            countOf: ({ count }) => count,
          });
    const fields = { compatible, liveupdate_num, sessions_pa };
    if (luoKind(target) !== 'fdt-flb') return { fields, sessions, flbs: 0n };
    return { fields: { ...fields, flbs_pa }, sessions, flbs: flbs_pa ?? 0n };
  },

  decodeFiles(tables, what, session) {
    const { 'file_set_ser.files': table, 'file_set_ser.count': count } = session;
    if (table === 0n) return { entries: [], blocks: [] };
    return { entries: tables.list(what, table, 'LUO_FILE', 'luo_file_ser', count), blocks: [table] };
  },
};

function emitTable(fdt: FdtBody, { node, compatible, property }: TableNode, address: Uint8Array): void {
  fdt.node(node, () => {
    fdt.property('compatible', cString(compatible));
    fdt.property(property, address);
  });
}
