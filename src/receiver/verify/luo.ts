import { KHO_MAX_BLOCKS, kho_block_header_ser } from '../../abi/block.ts';
import { decodeStruct, layoutOf } from '../../abi/layout.ts';
import { LUO_ABI_COMPATIBLE, LUO_KHO_ENTRY_NAME, luo_ser, luo_session_ser } from '../../abi/luo.ts';
import { hex } from '../../numbers.ts';
import type { Preserved } from '../preserved.ts';
import type { Context } from './context.ts';
import { verifyLuoFdt } from './luo-fdt.ts';
import { checkLater, panic, reportUnpreserved, sayNumber, sayPanic } from './luo-panic.ts';
import type { RootFdt } from './root-fdt.ts';
import { retrieve, type SubtreeBlob } from './subtrees.ts';

const WHERE = LUO_KHO_ENTRY_NAME;

/**
 * luo_early_startup() (kernel/liveupdate/luo_core.c, 6.19 to 7.3), whether or not the receiver is booted with
 * liveupdate=on. What it refuses is a panic. Files are read only when /dev/liveupdate is opened.
 * @returns whether the kernel goes on
 */
export function verifyLuo(context: Context, root: RootFdt, preserved: Preserved): boolean {
  const { luo } = context.receiver.generation;
  if (luo === undefined) return true;
  const what = luo === 'struct' ? 'LUO state' : 'FDT';
  const line = `luo: failed to retrieve ${what} '${LUO_KHO_ENTRY_NAME}' from KHO: `;
  const before = context.findings.length;
  const blob = retrieve(context, root, LUO_KHO_ENTRY_NAME, { line, fate: 'broken' });
  if (!blob) {
    const refused = context.findings.slice(before).length > 0;
    if (refused) sayPanic(context);
    return !refused;
  }
  if (!context.inRam(blob.phys, blob.phys + 32n)) return false;
  return luo === 'struct'
    ? verifyStruct(context, blob, preserved)
    : verifyLuoFdt(context, blob.phys, preserved);
}

/** 7.2 and later. */
function verifyStruct(context: Context, { phys, size }: SubtreeBlob, preserved: Preserved): boolean {
  const expected = layoutOf(luo_ser, context.target).size;
  if (size !== null && size < BigInt(expected)) {
    const line = `LUO state is too small (${size} < ${expected})`;
    return panic(context, 'luo-size', `the blob has ${size} bytes, struct luo_ser ${expected}`, line);
  }
  const ser = decodeStruct(luo_ser, context.target, context.read(phys, expected));
  if (ser.compatible !== LUO_ABI_COMPATIBLE) {
    const line = `LUO state is incompatible with '${LUO_ABI_COMPATIBLE}'`;
    return panic(context, 'luo-compatible', `compatible is not '${LUO_ABI_COMPATIBLE}'`, line);
  }
  sayNumber(context, ser.liveupdate_num);
  if (!verifyBlocks(context, ser.sessions_pa, preserved)) return false;
  if (ser.flbs_pa !== 0n) checkLater(context, ser.flbs_pa, preserved);
  if (preserved.complete && preserved.orderAt(phys) === undefined) {
    reportUnpreserved(context, phys, 'struct luo_ser');
  }
  return true;
}

/** kho_block_set_restore() (kernel/liveupdate/kho_block.c, 7.2 and 7.3): first the chain, then each count. */
function verifyBlocks(context: Context, head: bigint, preserved: Preserved): boolean {
  const { target } = context;
  const header = layoutOf(kho_block_header_ser, target).size;
  const most = Math.floor((target.pageSize - header) / layoutOf(luo_session_ser, target).size);
  const blocks = new Map<bigint, bigint>();
  for (let phys = head; phys !== 0n; ) {
    if (blocks.has(phys) || blocks.size >= KHO_MAX_BLOCKS) {
      const text = `the chain of session blocks ${blocks.has(phys) ? `comes back to ${hex(phys)}` : 'is too long'}`;
      return panic(context, 'luo-sessions', text, 'Block set is corrupted');
    }
    if (!checkPage(context, phys, 'a block of sessions', preserved)) return false;
    const { next, count } = decodeStruct(kho_block_header_ser, target, context.read(phys, header));
    blocks.set(phys, count);
    phys = next;
  }
  for (const [phys, count] of blocks) {
    if (count > 0n && count <= BigInt(most)) continue;
    const text = `the session block at ${hex(phys)} tells ${count} entries, 1 to ${most} fit`;
    return panic(context, 'luo-sessions', text, `Block contains invalid entry count: ${count}`);
  }
  return true;
}

/** @returns false where the kernel faults */
function checkPage(context: Context, phys: bigint, what: string, preserved: Preserved): boolean {
  if (!context.inRam(phys, phys + context.pageSize)) {
    const text = `${what} at ${hex(phys)} is not in RAM: the kernel faults as it reads it`;
    context.found('outside-ram', { where: WHERE, text, fate: 'undefined' });
    return false;
  }
  if (!preserved.contains(phys, phys + context.pageSize)) reportUnpreserved(context, phys, what);
  return true;
}
