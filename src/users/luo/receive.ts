import { constantOf } from '../../abi/constants.ts';
import { decodeStruct, layoutOf } from '../../abi/layout.ts';
import { hex } from '../../base/numbers.ts';
import { restoreBlockSet } from '../../kernel/block-set.ts';
import type { Context } from '../../kernel/context.ts';
import type { RootFdt } from '../../kernel/root-fdt.ts';
import { retrieve, type SubtreeBlob } from '../../kernel/subtrees.ts';
import type { Preserved } from '../../memory/preserved.ts';
import { LUO_ABI_COMPATIBLE, LUO_KHO_ENTRY_NAME, luo_ser, luo_session_ser } from './abi.ts';
import type { SessionSer } from './luo.ts';
import { checkLater, panic, reportUnpreserved, sayNumber, sayPanic } from './panic.ts';
import { verifyLuoFdt } from './receive-fdt.ts';

const WHERE = LUO_KHO_ENTRY_NAME;

/** What a kernel keeps for the first who opens /dev/liveupdate. */
export interface LuoIncoming {
  /** Of a chain of blocks, which is read at once. */
  readonly sessions: readonly SessionSer[];
  /** Address of the fixed array, which is read then. */
  readonly array?: bigint;
}

const NOTHING: LuoIncoming = { sessions: [] };

/**
 * luo_early_startup() (kernel/liveupdate/luo_core.c, 6.19 to 7.3), whether or not the receiver is booted with
 * liveupdate=on. What it refuses is a panic. Files are read only when /dev/liveupdate is opened.
 * @returns undefined where the kernel does not go on
 */
export function verifyLuo(context: Context, root: RootFdt, preserved: Preserved): LuoIncoming | undefined {
  const { luo } = context.receiver.generation;
  if (luo === undefined) return NOTHING;
  const what = luo === 'struct' ? 'LUO state' : 'FDT';
  const line = `luo: failed to retrieve ${what} '${LUO_KHO_ENTRY_NAME}' from KHO: `;
  const before = context.findings.length;
  const blob = retrieve(context, root, LUO_KHO_ENTRY_NAME, { line, fate: 'broken' });
  if (!blob) {
    const refused = context.findings.slice(before).length > 0;
    if (refused) sayPanic(context);
    return refused ? undefined : NOTHING;
  }
  if (!context.inRam(blob.phys, blob.phys + 32n)) return undefined;
  return luo === 'struct'
    ? verifyStruct(context, blob, preserved)
    : verifyLuoFdt(context, blob.phys, preserved);
}

/** 7.2 and later. */
function verifyStruct(
  context: Context,
  { phys, size }: SubtreeBlob,
  preserved: Preserved,
): LuoIncoming | undefined {
  const expected = layoutOf(luo_ser, context.target).size;
  if (size !== null && size < BigInt(expected)) {
    const line = `LUO state is too small (${size} < ${expected})`;
    return panic(context, 'luo-size', `the blob has ${size} bytes, struct luo_ser ${expected}`, line);
  }
  const ser = decodeStruct(luo_ser, context.target, context.read(phys, expected));
  const wanted = constantOf(context.target, { LUO_ABI_COMPATIBLE });
  if (ser.compatible !== wanted) {
    const line = `LUO state is incompatible with '${wanted}'`;
    return panic(context, 'luo-compatible', `compatible is not '${wanted}'`, line);
  }
  sayNumber(context, ser.liveupdate_num);
  const sessions = verifyBlocks(context, ser.sessions_pa, preserved);
  if (!sessions) return undefined;
  if (ser.flbs_pa !== 0n) checkLater(context, ser.flbs_pa, preserved);
  if (preserved.complete && preserved.orderAt(phys) === undefined) {
    reportUnpreserved(context, phys, 'struct luo_ser');
  }
  return { sessions };
}

function verifyBlocks(
  context: Context,
  head: bigint,
  preserved: Preserved,
): readonly SessionSer[] | undefined {
  const { blocks, entries, refused, outside } = restoreBlockSet(context, head, luo_session_ser, 'session');
  for (const phys of blocks) {
    if (!preserved.contains(phys, phys + context.pageSize)) {
      reportUnpreserved(context, phys, 'a block of sessions');
    }
  }
  if (outside !== undefined) {
    const text = `a block of sessions at ${hex(outside)} is not in RAM: the kernel faults as it reads it`;
    context.found('outside-ram', { where: WHERE, text, fate: 'undefined' });
    return undefined;
  }
  if (!refused) return entries;
  panic(context, 'luo-sessions', refused.text, refused.line);
  return undefined;
}
