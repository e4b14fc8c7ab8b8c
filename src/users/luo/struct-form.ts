import type { LuoForm } from './form.ts';
import { PATH, SESSIONS_PATH } from './paths.ts';
import { emitBlocks } from './tables.ts';

/** struct luo_ser with chains of blocks: luo_state_setup(), luo_session_serialize() (7.2 and 7.3). */
export const luoStruct: LuoForm = {
  format: 'struct luo_ser',

  emitFiles: (producer, path, files) => emitBlocks(producer, path, 'luo_file_ser', files),

  emitRoot(producer, { number, sessions, flbs }) {
    const sessions_pa = emitBlocks(producer, SESSIONS_PATH, 'luo_session_ser', sessions);
    const size = producer.sizeOf('luo_ser');
    const phys = producer.allocateFolioFor(PATH, size);
    producer.writeStruct(PATH, 'luo_ser', phys, {
      compatible: producer.target.abi.text('LUO_ABI_COMPATIBLE'),
      liveupdate_num: number,
      sessions_pa,
      flbs_pa: flbs,
    });
    producer.addSubtree({ name: producer.target.abi.text('LUO_KHO_ENTRY_NAME'), phys, size });
  },

  decodeRoot({ target, bytes }, tables, problems) {
    const size = target.abi.struct('luo_ser').size;
    if (bytes.length < size) {
      problems.push(`blob too small: ${bytes.length} of ${size} bytes`);
      return { fields: {}, sessions: [], flbs: 0n };
    }
    const ser = target.abi.struct('luo_ser').decode(bytes);
    const expected = target.abi.text('LUO_ABI_COMPATIBLE');
    if (ser.compatible !== expected) {
      problems.push(`compatible is '${ser.compatible}', expected '${expected}'`);
      return { fields: { ...ser }, sessions: [], flbs: 0n };
    }
    const { entries, blocks } = tables.blocks('sessions', ser.sessions_pa, 'luo_session_ser');
    return { fields: { ...ser, session_blocks: blocks }, sessions: entries, flbs: ser.flbs_pa };
  },

  decodeFiles: (tables, what, session) => tables.blocks(what, session['file_set_ser.files'], 'luo_file_ser'),
};
