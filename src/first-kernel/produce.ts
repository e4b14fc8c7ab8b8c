import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Target } from '../abi/target.ts';
import { type KernelFile, readKernelFile } from '../arch/kernel-file.ts';
import { stoppedAt } from '../arch/stop-kernel.ts';
import { claimPath, temporaryFolder, unguessable } from '../base/cleanup.ts';
import { KhoforgeError } from '../base/errors.ts';
import { readInput } from '../base/files.ts';
import { humanSize } from '../base/numbers.ts';
import { rejectInfrastructure } from '../boot/boot-image.ts';
import { consoleLines, message } from '../guest/console.ts';
import type { RunEnd, RunEvent } from '../guest/events.ts';
import { type GuestOptions, withGuest } from '../guest/guest.ts';
import { initLines } from '../guest/initrd.ts';
import { commandLine } from '../guest/qemu.ts';
import type { Image } from '../model/image.ts';
import { dumpGuest } from '../source/guest.ts';
import { firstInitrd } from './initrd.ts';
import { type SaidSession, saidSessions } from './said.ts';
import { ownStage, type Stage } from './stage.ts';
import { judgeSteps, type Step } from './steps.ts';
import { openStopped } from './stopped.ts';

export interface ProduceOptions {
  /** Path of a bzImage, or an arm64 Image. */
  readonly kernel: string;
  /** Path of an initrd of the user's, which prepares, loads `/khoforge/next` and jumps; default: khoforge's own. */
  readonly initrd?: string;
  /** What khoforge's own init prepares; default {@link ownStage}. */
  readonly stage?: Stage;
  /** More kernel command line, after khoforge's own. */
  readonly cmdline?: string;
  /** Bytes of guest memory, whole MiB; default: what the nodes have, or 512 MiB. */
  readonly memory?: bigint;
  /** Bytes of each NUMA node, whole MiB, in the order of addresses. */
  readonly nodes?: readonly bigint[];
  /** Seconds for everything, beside what a busy host takes; default 120. */
  readonly timeout?: number;
  /** Compiler of init, as in `--cc`. */
  readonly cc?: string;
  /** Of the kernel's tree, beside those of the releases. */
  readonly own?: Target;
  /** Folder with room for the guest's memory, for as long as this runs; default: that of temporary files. */
  readonly room?: string;
  readonly onEvent?: (event: RunEvent) => void;
  readonly signal?: AbortSignal;
}

export interface Produced {
  readonly kernel: KernelFile;
  /** All of the kernel command line. */
  readonly cmdline: string;
  /** What came of each step, up to one that failed. */
  readonly steps: readonly Step[];
  /** What khoforge's own init says that it made. */
  readonly sessions: readonly SaidSession[];
  /** Bytes of the console. */
  readonly console: Uint8Array;
  readonly seconds: number;
  /** What is handed over; undefined where a step failed. Its memory can be read while `use` runs. */
  readonly image: Image | undefined;
}

const MIB = 1n << 20n;
const MEMORY = 512n * MIB;
const TIMEOUT = 120;
/** Seconds of silence at the start, and of processor time between two lines: purgatory loops for ever on a wrong hash. */
const SILENCE = 30;
const STALL = 30;

/**
 * Boots a real first kernel, lets it prepare, load a next kernel and jump, and takes what it hands over in that instant. The
 * next kernel is one that only says so and halts: no symbol of the first is needed.
 * @param use is given what came of it
 * @throws KhoforgeError of readKernelFile(), buildInitrd(), withGuest(), dumpGuest() and openSource(); `BOOT_ABORTED`,
 *   `HOST_TOO_SLOW` (exit code 3)
 */
export async function produceHandover<T>(
  options: ProduceOptions,
  use: (produced: Produced) => T | Promise<T>,
): Promise<T> {
  const kernel = readKernelFile(readInput(options.kernel), options.kernel);
  using folder = temporaryFolder('produce');
  const logPath = join(folder.path, 'console.log');
  const dump = unguessable(join(options.room ?? folder.path, '.khoforge-dump.'));
  using _claim = claimPath(dump);
  const started = performance.now();
  try {
    const guest = guestOptions(options, kernel, logPath);
    const end = await runToJump(guest, options, dump);
    const console = readFileSync(logPath);
    const { own } = options;
    using opened =
      typeof end === 'bigint'
        ? openStopped({ dump, parameters: end, kernel, memory: guest.memory, own })
        : undefined;
    const lines = consoleLines(console).map(message);
    const cmdline = commandLine(guest.cmdline, kernel.arch);
    const steps = judgeSteps({
      lines,
      isOwnInit: options.initrd === undefined,
      cmdline,
      record: opened !== undefined,
      ...(typeof end !== 'bigint' && { end }),
    });
    return await use({
      kernel,
      cmdline,
      steps,
      sessions: saidSessions(initLines(lines)),
      console,
      seconds: Math.round(performance.now() - started) / 1000,
      image: opened && { ...opened.image, ...(options.nodes && { nodes: options.nodes }) },
    });
  } finally {
    rmSync(dump, { force: true });
  }
}

function guestOptions(options: ProduceOptions, { arch }: KernelFile, logPath: string): GuestOptions {
  const { kernel, nodes, stage = ownStage, initrd, cmdline = '' } = options;
  return {
    arch,
    kernel,
    initrd: firstInitrd({ ...options, arch, stage }),
    cmdline: initrd === undefined ? `${stage.cmdline} ${cmdline}`.trim() : cmdline,
    memory: memoryOf(options),
    nodes,
    timeout: options.timeout ?? TIMEOUT,
    logPath,
  };
}

function memoryOf({ memory, nodes }: ProduceOptions): bigint {
  const ofNodes = nodes?.reduce((sum, size) => sum + size, 0n);
  const size = memory ?? ofNodes ?? MEMORY;
  const whole = [size, ...(nodes ?? [])].every((one) => one % MIB === 0n);
  if (whole && size > 0n && (ofNodes === undefined || ofNodes === size)) return size;
  const text = `the guest has ${humanSize(size)} of memory${nodes ? `, its nodes have ${nodes.map(humanSize).join(', ')}` : ''}`;
  throw new KhoforgeError('PRODUCE_OPTION', text, {
    hint: 'give whole MiB, and nodes that add up to the memory',
  });
}

/** @returns address of the next kernel's parameters, with the memory in `dump`; or how the run ended without it */
function runToJump(
  guest: GuestOptions,
  { onEvent, signal }: ProduceOptions,
  dump: string,
): Promise<bigint | RunEnd> {
  let stop = (_parameters: bigint) => {};
  const stopped = new Promise<bigint>((resolve) => {
    stop = resolve;
  });
  let argv: readonly string[] = [];
  const watch = {
    silence: SILENCE,
    stall: STALL,
    ...(signal && { signal }),
    onEvent(event: RunEvent) {
      if (event.type === 'start') argv = event.argv;
      const parameters = event.type === 'line' ? stoppedAt(event.text) : undefined;
      if (parameters !== undefined) stop(parameters);
      onEvent?.(event);
    },
  };
  return withGuest({ ...guest, watch }, async ({ qemu, qmp }) => {
    const end = await Promise.race([stopped, qemu.ended]);
    if (typeof end === 'bigint') await qemu.during(dumpGuest(qmp, dump));
    else rejectInfrastructure(end, argv);
    return end;
  });
}
