import { verifyBootRecord } from '../kernel/boot-record.ts';
import { VERIFY_CHECKS, type VerifyCheck } from '../kernel/checks.ts';
import { Context } from '../kernel/context.ts';
import { checkMapPages, verifyMemoryMap } from '../kernel/memory-map.ts';
import { defaultReceiver, type Receiver, receiverOf } from '../kernel/receivers.ts';
import { Restorer } from '../kernel/restore.ts';
import { type RootFdt, verifyRootFdt } from '../kernel/root-fdt.ts';
import { readScratch, verifyScratch } from '../kernel/scratch.ts';
import { checkBlobs, exposeSubtrees } from '../kernel/subtrees.ts';
import type { Preserved } from '../memory/preserved.ts';
import type { Finding, Severity, Verification } from '../model/finding.ts';
import type { Image } from '../model/image.ts';
import { verifyKexecMetadata } from '../users/kexec-metadata/receive.ts';
import { verifyKhoTest } from '../users/kho-test/receive.ts';
import { verifyLuo } from '../users/luo/receive.ts';
import { verifyLuoSessions } from '../users/luo/receive-sessions.ts';
import { verifyMemblock } from '../users/reserve-mem/receive.ts';

export interface VerifyOptions {
  /** Receiving kernel, or its release or generation; default: the newest that takes such images. */
  readonly receiver?: string | Receiver;
  /** Severities other than the checks' own. */
  readonly severity?: ReadonlyMap<VerifyCheck, Severity>;
}

/**
 * What a receiving kernel makes of an image: every check of its source in its order, and every rule that it relies on
 * without checking. The image may hold anything: what is wrong becomes findings.
 * @throws KhoforgeError `RECEIVER_UNKNOWN`; `MAP_BIG_ENDIAN` for a big-endian image
 */
export function verifyImage(image: Image, options: VerifyOptions = {}): Verification {
  const { receiver: named = defaultReceiver(image.target.generation) } = options;
  const receiver = typeof named === 'string' ? receiverOf(named) : named;
  const context = new Context(image, receiver, options.severity ?? new Map());
  run(context);
  for (const [check, count] of context.untold) context.findings.push(summary(context, check, count));
  const { verdict, certain, findings, console } = context;
  return { receiver: receiver.release, verdict, certain, findings, console };
}

function run(context: Context): void {
  if (context.image.fdtAlone) {
    verifyFdtAlone(context);
    return;
  }
  context.scratch = readScratch(context);
  if (context.ram.length === 0) {
    const text = 'the image does not tell its RAM: what lies outside is not found';
    context.found('ram-unknown', { where: 'ram', text });
  }
  if (!verifyBootRecord(context)) return;
  const root = verifyRootFdt(context);
  if (!root || !verifyScratch(context)) return;
  const preserved = verifyMemoryMap(context, root);
  if (typeof root.map === 'bigint' && root.map !== 0n) checkMapPages(context, root.map, preserved);
  checkBlobs(context, root, preserved);
  runClients(context, root, preserved);
}

/** What can be known of a root FDT without the memory that it stands in. */
function verifyFdtAlone(context: Context): void {
  verifyRootFdt(context);
  const text = 'scratch, memory map and blobs are not there to be looked at; a dump or a capture has them';
  context.found('fdt-alone', { where: 'root-fdt', text });
}

/** In the order of their initcalls: reserve_mem=, LUO, KHO itself (late to 6.18) and the self-test; then user space. */
function runClients(context: Context, root: RootFdt, preserved: Preserved): void {
  verifyMemblock(context, root, preserved);
  const luo = verifyLuo(context, root, preserved);
  if (!luo) return;
  const restorer = new Restorer(context, preserved);
  if (context.receiver.restoresRootFdt) restoreRootFdt(root, restorer);
  if (context.receiver.initcall === 'late') {
    verifyKhoTest(context, root, restorer);
    exposeSubtrees(context, root);
    return;
  }
  verifyKexecMetadata(context, root);
  exposeSubtrees(context, root);
  verifyKhoTest(context, root, restorer);
  verifyLuoSessions(context, luo, preserved, restorer);
}

/** Takes the mark off the FDT's page; what fails is told with the map (KH kho_memory_init(), 6.18). */
function restoreRootFdt({ phys }: RootFdt, restorer: Restorer): void {
  restorer.restore(phys);
}

function summary(context: Context, check: VerifyCheck, count: number): Finding {
  const told = context.findings.find((finding) => finding.check === check);
  const severity = told?.severity ?? VERIFY_CHECKS[check].severity;
  return { check, severity, text: `and ${count} more`, where: told?.where ?? '', kernel: null, errno: null };
}
