import { createHash } from 'node:crypto';
import type { Arch } from '../../src/abi/arch.ts';
import { buildInitrd, INIT_PREFIX, planLine } from '../../src/guest/initrd.ts';

/** What the kernel shows of handovers (kernel/liveupdate/kexec_handover_debugfs.c, 7.3). */
const KHO = '/sys/kernel/debug/kho';

/** Prints what debugfs shows of a handover. */
export const SHOW_KHO = planLine('tree', KHO);

/** Up to 6.19 a kernel writes its memory map when it is told to (6.18, kernel/kexec_handover.c: kho_out_finalize_set()). */
export const FINALIZE = planLine('write', `${KHO}/out/finalize`, '1');

/** An initrd for x86_64 that prints what debugfs shows of a handover. */
export const khoInitrd = (): Buffer => buildInitrd({ arch: 'x86_64', plan: [SHOW_KHO] });

/** The line that `SHOW_KHO` gives for a file. */
export function fileLine(path: string, bytes: Uint8Array): string {
  return `${INIT_PREFIX}file ${path} size=${bytes.length} sha256=${sha256(bytes)}`;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A session, and the tokens of its files in the order in which they are retrieved. */
export interface PlannedSession {
  readonly name: string;
  readonly tokens: readonly bigint[];
}

/** An initrd whose init retrieves sessions and files from /dev/liveupdate and prints what it finds. */
export function luoInitrd(sessions: readonly PlannedSession[], arch: Arch = 'x86_64'): Buffer {
  const plan = sessions.map(({ name, tokens }) => planLine('luo', name, ...tokens.map(String)));
  return buildInitrd({ arch, plan });
}
