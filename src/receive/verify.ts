import { needMembers } from '../base/arguments.ts';
import { hex } from '../base/numbers.ts';
import { checkAbsent, checkSource } from '../kernel/absent.ts';
import { Boot } from '../kernel/boot.ts';
import { readBootRecord, reserveScratch, withoutKho } from '../kernel/boot-record.ts';
import { report } from '../kernel/checks.ts';
import { readEarlyParameters } from '../kernel/early-parameters.ts';
import { firmwareMemory } from '../kernel/early-use.ts';
import { type Stage, UNPREDICTABLE, type VerifyEvent } from '../kernel/events.ts';
import { Kernel } from '../kernel/kernel.ts';
import { readMemoryMap } from '../kernel/memory-map.ts';
import { defaultReceiver, type Receiver, receiverOf } from '../kernel/receivers.ts';
import { Restorer } from '../kernel/restore.ts';
import { readRootFdt } from '../kernel/root-fdt.ts';
import { checkScratchSize, readScratch } from '../kernel/scratch.ts';
import { BOOT_STAGES, type Incoming, type UserStage } from '../kernel/stages.ts';
import { checkBlobs, exposeSubtrees } from '../kernel/subtrees.ts';
import { WatchedMemory } from '../memory/watched-memory.ts';
import type { Severity, Verification } from '../model/finding.ts';
import type { Image } from '../model/image.ts';
import { receivingUsers } from '../users/registry.ts';
import { verificationOf } from './verification.ts';

export interface ReceiverOptions {
  /** Receiving kernel, or its release or generation; default: the newest that accepts such images. */
  readonly receiver?: string | Receiver;
  /** More of its command line than `kho=on`; default: not known, as what asks for `reserve_mem` regions. */
  readonly cmdline?: string;
  /** Text of its .config; default: all that has to do with handovers is built in. */
  readonly config?: string;
}

export interface VerifyOptions extends ReceiverOptions {
  /** Severities other than the checks' own. */
  readonly severity?: ReadonlyMap<string, Severity>;
}

/**
 * What a receiving kernel makes of an image: every check of its source in its order, and every rule that it relies on
 * without checking. The image may hold anything: what is wrong becomes findings.
 * @throws KhoforgeError `USAGE`, `RECEIVER_UNKNOWN`; `MAP_BIG_ENDIAN` for a big-endian image
 */
export function verifyImage(image: Image, options: VerifyOptions = {}): Verification {
  const kernel = kernelFrom(image, options);
  return verificationOf(receive(kernel), kernel.receiver.release, options.severity);
}

/**
 * The same as it happens, one event after the other.
 * @throws KhoforgeError `RECEIVER_UNKNOWN`; `MAP_BIG_ENDIAN` for a big-endian image
 */
export function verifyEvents(image: Image, options: ReceiverOptions = {}): Iterable<VerifyEvent> {
  return receive(kernelFrom(image, options));
}

function kernelFrom(image: Image, options: ReceiverOptions): Kernel {
  return new Kernel(image, receiverFrom(image, options), new Boot(options.cmdline, options.config));
}

function receiverFrom(image: Image, { receiver }: ReceiverOptions): Receiver {
  needMembers('the image', image, ['target', 'memory', 'bootRecord'], 'one that was built or opened');
  if (receiver === undefined) return defaultReceiver(image.target);
  if (typeof receiver === 'string') return receiverOf(receiver);
  needMembers('receiver', receiver, ['release', 'generation'], "a release in quotes, such as '7.3'");
  return receiver;
}

function* receive(kernel: Kernel): Stage {
  if (kernel.image.fdtAlone) {
    yield* receiveFdtAlone(kernel);
    return;
  }
  yield* checkSource(kernel);
  if (!kernel.boot.has('CONFIG_KEXEC_HANDOVER')) {
    yield* withoutKho(kernel);
    return;
  }
  const root = (yield* readBootRecord(kernel)) ? yield* readRootFdt(kernel) : undefined;
  const scratch = root && (yield* readScratch(kernel));
  yield* readEarlyParameters(kernel);
  if (!scratch) {
    yield* bootWithout(kernel);
    return;
  }
  const preserved = yield* readMemoryMap(kernel, root, scratch);
  yield* checkScratchSize(kernel, scratch, preserved);
  yield* checkAbsent(kernel, preserved);
  const restorer = new Restorer(kernel, preserved);
  // What fails here is reported with the map (KH: kho_memory_init, 6.18).
  if (kernel.receiver.restoresRootFdt) restorer.restore(root.phys);
  yield* runUsers(kernel, { root, scratch, preserved, restorer });
}

/** Nothing was handed over, or it was refused. */
function* bootWithout(kernel: Kernel): Stage {
  if (yield* reserveScratch(kernel)) return;
  for (const { stage } of usersOf(kernel)) if (stage.off) yield* stage.off(kernel);
}

const usersOf = (kernel: Kernel) =>
  receivingUsers(kernel.target).filter(({ stage: { option } }) => !option || kernel.boot.has(option));

/** What can be known of a root FDT without the memory that it stands in. */
function* receiveFdtAlone(kernel: Kernel): Stage {
  yield* readRootFdt(kernel);
  const text = 'scratch, memory map and blobs are not there to be looked at; a dump or a capture has them';
  yield report('fdt-alone', { where: 'root-fdt', text });
  yield UNPREDICTABLE;
}

/** Everyone in the receiver who asks for a subtree, in the order of the boot. */
function* runUsers(receiver: Kernel, incoming: Incoming): Stage {
  const { early } = incoming.scratch;
  const memory = new WatchedMemory(receiver.image.memory, early, [firmwareMemory(receiver)]);
  const kernel = receiver.withMemory(memory);
  const users = usersOf(kernel);
  const clients = users.map(({ name }) => name);
  // What is looked at here, no kernel reads.
  yield* checkBlobs(receiver, incoming, clients);
  const debugfs: UserStage = {
    at: kernel.receiver.initcall,
    *run() {
      if (kernel.boot.kho) yield* exposeSubtrees(kernel, incoming.root, clients);
      return undefined;
    },
  };
  const stages = users.map(({ stage }) => stage);
  if (kernel.boot.has('CONFIG_KEXEC_HANDOVER_DEBUGFS')) stages.push(debugfs);
  for (const at of BOOT_STAGES) {
    for (const stage of stages.filter((one) => one.at === at)) {
      const next = yield* untilTaken(stage.run(kernel, incoming), memory);
      if (next === 'halts') return;
      if (next) stages.push(next);
    }
  }
}

/** Says before what comes of it that something was read where the kernel may have written by then. */
function* untilTaken<Result>(stage: Stage<Result>, memory: WatchedMemory): Stage<Result> {
  let isTold = memory.touched !== undefined;
  for (;;) {
    const { done, value } = stage.next();
    const { touched } = memory;
    if (touched && !isTold) {
      isTold = true;
      const text = `what is read at ${hex(touched.start)} may be overwritten, or is the firmware's: the kernel allocates there first`;
      yield report('early-memory', { where: hex(touched.start), text, outcome: 'undefined' });
    }
    if (done) return value;
    yield value;
  }
}
