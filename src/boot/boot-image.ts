import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '../base/cleanup.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { readInput, reason } from '../base/files.ts';
import type { Accelerator, RunEnd } from '../guest/events.ts';
import {
  accelerators,
  type CodeTrace,
  commandLine,
  dumpMachineTree,
  emulatorFor,
  qemuArguments,
  shellLine,
  traceArguments,
} from '../guest/qemu.ts';
import { qemuFailed, runQemu } from '../guest/qemu-process.ts';
import { type BootElf, buildBootElf } from '../load/boot-elf.ts';
import type { Image } from '../model/image.ts';
import { checkOutput } from '../output/check.ts';
import { BANNER } from '../receive/patterns.ts';
import type { BootEvent } from './events.ts';
import { hostTooSlow, Judge, type Judgement } from './verdict.ts';

export interface BootOptions {
  /** A bzImage, or an arm64 Image: its path, or its bytes. */
  readonly kernel: string | Uint8Array;
  /** Its path, or its bytes. Without one the kernel ends in a panic for want of an init, after it has used the handover. */
  readonly initrd?: string | Uint8Array;
  /** More kernel command line, after khoforge's own. */
  readonly cmdline?: string;
  /**
   * For many boots: takes less of the processor, by what no handover meets. The kernel is unpacked before the boot, once
   * for all boots with the same bytes, and does not measure its local timer (docs/boot.md).
   */
  readonly lean?: boolean;
  /** Default `tcg`. With any other the run falls back to TCG when the guest hangs at its start. */
  readonly accel?: Accelerator | 'auto';
  /** Bytes of guest memory; default: what the image's RAM needs. */
  readonly memory?: bigint;
  /** Seconds for everything, beside what a busy host takes from QEMU; default 60. */
  readonly timeout?: number;
  /** Seconds of silent console that count as a hang; default 30, and 10 before falling back to TCG. */
  readonly silence?: number;
  /** Seconds of QEMU's processor time between two lines that count as a hang; default: the whole run. */
  readonly stall?: number;
  /** Where the console goes: no file, an empty one, or with `force` any. Default `console.log` in the work directory. */
  readonly logPath?: string;
  /** Empties the file `logPath` whatever it is. */
  readonly force?: boolean;
  /** Where `boot.elf` goes and stays; default: a temporary directory, where only the console log stays. */
  readonly workDir?: string;
  /** Texts of the guest that end the run, e.g. the last line of a test in the initrd. */
  readonly stopLines?: readonly string[];
  /** Code of the kernel of which QEMU writes down what runs, by where things were loaded. */
  readonly trace?: (boot: Pick<BootElf, 'segments'>) => CodeTrace;
  /** Program to run instead of `qemu-system-x86_64` or `qemu-system-aarch64`. */
  readonly qemu?: string;
  readonly onEvent?: (event: BootEvent) => void;
  readonly signal?: AbortSignal;
}

export interface BootResult extends Judgement {
  /** Path of the console log. */
  readonly console: string;
  /** For everything, a fallback included. */
  readonly seconds: number;
  /** The QEMU that gave the verdict. */
  readonly argv: readonly string[];
  readonly accel: Accelerator;
  /** Version text in the kernel file. */
  readonly kernelVersion: string;
}

/** A boot that is ready to run. */
export interface BootPlan {
  /** The folder that was made for it, without a `workDir`: goes with this process, unless it is released. */
  readonly folder: TemporaryFolder | undefined;
  readonly elfPath: string;
  readonly logPath: string;
  readonly boot: BootElf;
  /** What is tried, and what then, if the guest hangs with it. */
  readonly accels: readonly [Accelerator, Accelerator?];
  argv(accel: Accelerator): string[];
}

const TIMEOUT = 60;
const SILENCE = 30;
const SILENCE_BEFORE_FALLBACK = 10;

/**
 * Boots a real kernel in QEMU on an image, as kexec would have, and judges its console.
 * @throws KhoforgeError of {@link planBoot}; `OUTPUT_EXISTS`, `OUTPUT_IS_LINK`, `OUTPUT_IS_SOURCE` for the log; `QEMU_MISSING`,
 * `QEMU_FAILED`, `BOOT_ABORTED`, `HOST_TOO_SLOW` (exit code 3): none of these says anything about the image
 */
export async function bootImage(image: Image, options: BootOptions): Promise<BootResult> {
  checkLog(options);
  const plan = planBoot(image, options);
  using folder = plan.folder;
  try {
    const { end, lost, judge, argv, accel, seconds } = await runWithFallback(plan, image, options);
    rejectInfrastructure(end, argv);
    if (folder !== undefined && dirname(plan.logPath) === folder.path) {
      rmSync(plan.elfPath);
      folder.release();
    }
    const { kernelVersion } = plan.boot;
    return { ...judge.finish(end, lost), console: plan.logPath, seconds, argv, accel, kernelVersion };
  } catch (error) {
    // When QEMU fails its command line is shown, and has to work when it is pasted.
    if (error instanceof KhoforgeError && error.code === 'QEMU_FAILED') folder?.release();
    throw error;
  }
}

/**
 * Looks at what stands where the console is to go.
 * @param sources paths that are read beside kernel and initrd
 * @throws KhoforgeError `OUTPUT_EXISTS`, `OUTPUT_IS_LINK`, `OUTPUT_IS_SOURCE`
 */
export function checkLog(
  { logPath, force, kernel, initrd }: BootOptions,
  sources: readonly string[] = [],
): void {
  if (logPath === undefined) return;
  const read = [kernel, initrd].filter((file) => typeof file === 'string');
  checkOutput(logPath, 'log', { sources: [...sources, ...read], ...(force !== undefined && { force }) });
}

/**
 * Makes `boot.elf` and everything that {@link bootImage} would run, without running it.
 * @throws KhoforgeError of `buildBootElf`; `FILE_UNREADABLE`, `BOOT_OPTION`, `OUTPUT_FAILED`, `TEMPORARY_FAILED`
 */
export function planBoot(image: Image, options: BootOptions): BootPlan {
  checkSeconds('timeout', options.timeout);
  checkSeconds('silence', options.silence);
  checkSeconds('stall', options.stall);
  const { kernel, initrd, memory } = options;
  const { arch } = image.target;
  const qemu = options.qemu ?? emulatorFor(arch);
  const boot = buildBootElf(image, {
    kernel: typeof kernel === 'string' ? readInput(kernel) : kernel,
    cmdline: commandLine(options.cmdline, arch, options.lean),
    ...(options.lean && { unpacks: true }),
    machineTree: (machine) => dumpMachineTree(machine, qemu),
    ...(typeof kernel === 'string' && { kernelFile: kernel }),
    ...(initrd !== undefined && { initrd: typeof initrd === 'string' ? readInput(initrd) : initrd }),
    ...(memory !== undefined && { memory }),
  });
  const folder = options.workDir === undefined ? temporaryFolder('boot') : undefined;
  const directory = folder?.path ?? workDirectory(options.workDir ?? '');
  const elfPath = join(directory, 'boot.elf');
  const traced = options.trace ? traceArguments(options.trace(boot)) : [];
  try {
    writeFileSync(elfPath, boot.elf);
  } catch (cause) {
    folder?.[Symbol.dispose]();
    throw unwritable(elfPath, cause);
  }
  return {
    folder,
    elfPath,
    logPath: resolve(options.logPath ?? join(directory, 'console.log')),
    boot,
    accels: accelerators(options.accel ?? 'tcg', arch),
    argv: (accel) => [qemu, ...qemuArguments(elfPath, boot.machine, accel), ...traced],
  };
}

/** One line that can be pasted into a shell and does what a boot with TCG, or the wanted accelerator, runs. */
export function dryRunCommand(plan: BootPlan): string {
  return shellLine(plan.argv(plan.accels[0]));
}

interface Attempt {
  end: RunEnd;
  /** Seconds in which the host had no processor for it. */
  lost: number;
  judge: Judge;
  argv: string[];
  accel: Accelerator;
  /** Since the first attempt began. */
  seconds: number;
}

async function runWithFallback(plan: BootPlan, image: Image, options: BootOptions): Promise<Attempt> {
  const [accel, other] = plan.accels;
  const started = performance.now();
  const first = await attempt(plan, image, options, { accel, last: other === undefined, started });
  const why = fallbackReason(first.end, options);
  if (other === undefined || why === undefined) return first;
  options.onEvent?.({ type: 'fallback', from: accel, to: other, reason: why });
  return attempt(plan, image, options, { accel: other, last: true, started });
}

async function attempt(
  plan: BootPlan,
  image: Image,
  options: BootOptions,
  { accel, last, started }: { accel: Accelerator; last: boolean; started: number },
): Promise<Attempt> {
  const judge = new Judge({ initrd: options.initrd !== undefined, expect: image.expect });
  const argv = plan.argv(accel);
  const spent = () => Math.round(performance.now() - started) / 1000;
  const timeout = Math.max(Math.round(((options.timeout ?? TIMEOUT) - spent()) * 10) / 10, 0.1);
  const silence = options.silence ?? (last ? SILENCE : SILENCE_BEFORE_FALLBACK);
  const { onEvent, signal, stopLines, stall } = options;
  let lost = 0;
  const end = await runQemu({
    argv,
    accel,
    logPath: plan.logPath,
    timeout,
    // A host's broken KVM has been seen to run a kernel's decompressor and hang after that.
    ...(last ? { silence } : { silence: Math.min(silence, timeout / 2), signOfLife: BANNER }),
    ...(signal && { signal }),
    ...(stopLines && { stopLines }),
    ...(stall !== undefined && { stall }),
    onEvent: (event) => {
      if (event.type === 'line') judge.line(event.text);
      if (event.type === 'end') lost = event.lost;
      onEvent?.(event);
    },
  });
  return { end, lost, judge, argv, accel, seconds: spent() };
}

/** Why another accelerator should be tried: a silent guest, or, with `auto`, a QEMU that cannot use this one. */
function fallbackReason(end: RunEnd, { accel }: BootOptions): string | undefined {
  if (end.kind === 'silence') return `no sign of the kernel within ${end.seconds} s`;
  if (end.kind === 'failed' && accel === 'auto') return end.stderr || end.status;
  return undefined;
}

/** @throws KhoforgeError `BOOT_ABORTED`, `QEMU_FAILED`, `HOST_TOO_SLOW` for an end that says nothing about the guest */
export function rejectInfrastructure(end: RunEnd, argv: readonly string[]): void {
  const exitCode = ExitCode.couldNotRun;
  if (end.kind === 'aborted') {
    const error = new KhoforgeError('BOOT_ABORTED', 'the boot was aborted', { exitCode });
    error.name = 'AbortError';
    throw error;
  }
  if (end.kind === 'failed') throw qemuFailed(end, argv);
  if (end.kind === 'slow') throw hostTooSlow(`in ${end.seconds} s it had hardly a processor for QEMU`);
}

function checkSeconds(name: string, seconds: number | undefined): void {
  if (seconds === undefined || (Number.isFinite(seconds) && seconds > 0)) return;
  throw new KhoforgeError('BOOT_OPTION', `${name} is ${seconds}: expected a number of seconds above 0`);
}

function workDirectory(wanted: string): string {
  try {
    // Not `recursive`: Node 20 loops for ever where directories cannot be made, as in /proc.
    if (!existsSync(wanted)) mkdirSync(wanted);
  } catch (cause) {
    throw unwritable(wanted, cause);
  }
  return resolve(wanted);
}

function unwritable(path: string, cause: unknown): KhoforgeError {
  return new KhoforgeError('OUTPUT_FAILED', `cannot write ${path}: ${reason(cause)}`, {
    where: { file: path },
    exitCode: ExitCode.couldNotRun,
    cause,
  });
}
