import { hex } from '../../base/numbers.ts';
import { restoreBlockSet } from '../../kernel/block-set.ts';
import { log, type Stage } from '../../kernel/events.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Restorer } from '../../kernel/restore.ts';
import type { UserStage } from '../../kernel/stages.ts';
import { retrieve, type SubtreeBlob, survives, survivesFdt } from '../../kernel/subtrees.ts';
import type { Preserved } from '../../memory/preserved.ts';
import { report } from './checks.ts';
import type { LuoIncoming } from './incoming.ts';
import { luoKind } from './kind.ts';
import { checkLater, die, logNumber, panic, unpreserved } from './panic.ts';
import { PATH } from './paths.ts';
import { readLuoFdt } from './receive-fdt.ts';
import { openLiveupdate } from './receive-sessions.ts';

/**
 * luo_early_startup() (kernel/liveupdate/luo_core.c, 6.19 to 7.3), whether or not the receiver is booted with
 * liveupdate=on. What it refuses is a panic. Files are read only when /dev/liveupdate is opened.
 */
export const receive: UserStage = {
  at: 'early_initcall',
  option: 'CONFIG_LIVEUPDATE',
  off,

  *run(kernel, { root, preserved, restorer }) {
    const { boot } = kernel;
    if (!boot.kho) {
      yield* off(kernel);
      return undefined;
    }
    const name = kernel.target.abi.text('LUO_KHO_ENTRY_NAME');
    const isStruct = luoKind(kernel.target) === 'struct';
    const line = `luo: failed to retrieve ${isStruct ? 'LUO state' : 'FDT'} '${name}' from KHO: `;
    const blob = yield* retrieve(kernel, root, name, { line, outcome: 'broken' });
    if (blob === 'absent') return undefined;
    if (blob === 'refused') {
      yield* die();
      return 'halts';
    }
    const luo = isStruct
      ? yield* readStruct(kernel, blob, preserved, restorer)
      : (yield* survivesFdt(kernel, blob.phys)) && (yield* readLuoFdt(kernel, blob.phys, preserved));
    if (!luo) return 'halts';
    return !boot.hasCmdline || boot.cmdline.flag('liveupdate', false) ? openLiveupdate(luo) : undefined;
  },
};

function* off({ boot }: Kernel): Stage {
  if (boot.cmdline.flag('liveupdate', false)) yield log('luo: Disabling liveupdate because KHO is disabled');
}

/** 7.2 and later. */
function* readStruct(
  kernel: Kernel,
  { phys, size }: SubtreeBlob,
  preserved: Preserved,
  restorer: Restorer,
): Stage<LuoIncoming | undefined> {
  const expected = kernel.target.abi.struct('luo_ser').size;
  if (size !== null && size < BigInt(expected)) {
    const line = `LUO state is too small (${size} < ${expected})`;
    return yield* panic('luo-size', `the blob has ${size} bytes, struct luo_ser ${expected}`, line);
  }
  if (!(yield* survives(kernel, phys, expected))) return undefined;
  const ser = kernel.target.abi.struct('luo_ser').decode(kernel.read(phys, expected));
  const wanted = kernel.target.abi.text('LUO_ABI_COMPATIBLE');
  if (ser.compatible !== wanted) {
    const line = `LUO state is incompatible with '${wanted}'`;
    return yield* panic('luo-compatible', `compatible is not '${wanted}'`, line);
  }
  yield logNumber(ser.liveupdate_num);
  const sessions = yield* readBlocks(kernel, ser.sessions_pa, preserved);
  if (!sessions) return undefined;
  if (ser.flbs_pa !== 0n) yield* checkLater(kernel, ser.flbs_pa, preserved);
  if (preserved.complete && preserved.orderAt(phys) === undefined) {
    yield unpreserved(phys, 'struct luo_ser');
  }
  restorer.restore(phys); // to free it
  return { ...sessions, flbs: ser.flbs_pa };
}

function* readBlocks(
  kernel: Kernel,
  head: bigint,
  preserved: Preserved,
): Stage<Pick<LuoIncoming, 'sessions' | 'blocks'> | undefined> {
  const { blocks, entries, refused, outside } = restoreBlockSet(kernel, head, 'luo_session_ser', 'session');
  for (const phys of blocks) {
    if (!preserved.contains(phys, phys + kernel.pageSize)) yield unpreserved(phys, 'a block of sessions');
  }
  if (outside !== undefined) {
    const text = `a block of sessions at ${hex(outside)} is not in RAM: the kernel faults as it reads it`;
    yield report('outside-ram', { where: PATH, text, outcome: 'dies' });
    return undefined;
  }
  if (refused) return yield* panic('luo-sessions', refused.text, refused.line);
  return { sessions: entries, blocks };
}
