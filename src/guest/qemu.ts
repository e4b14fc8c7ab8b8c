import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ARCHES, type Arch, DEFAULT_ARCH } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { claimChildren, temporaryFolder } from '../base/cleanup.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { reason } from '../base/files.ts';
import { hex } from '../base/numbers.ts';
import type { Machine } from '../memory/machine.ts';
import type { Accelerator } from './events.ts';

/** The emulator of an architecture. */
export const emulatorFor = (arch: Arch): string => ARCHITECTURES[arch].emulator.program;

export const QEMU = emulatorFor(DEFAULT_ARCH);

/** What khoforge always puts on the kernel's command line, before the user's. */
const OWN = [
  'ignore_loglevel', // the proofs are pr_info() and would not show with `quiet`
  'panic=-1', // reboot at once; with -no-reboot QEMU ends
  'kho=on', // without it the receiver reserves the memory but uses nothing of it
];

/**
 * The kernel command line; of a parameter given twice the kernel takes the last.
 * @param lean leaves out what takes long and no handover meets
 */
export function commandLine(user = '', arch: Arch = DEFAULT_ARCH, lean = false): string {
  const { parameters, leanParameters } = ARCHITECTURES[arch].emulator;
  return [parameters, ...OWN, lean ? leanParameters : '', user.trim()]
    .filter((part) => part !== '')
    .join(' ');
}

/** Arguments for QEMU: one CPU, a serial console on standard output, nothing else. */
export function qemuArguments(kernel: string, machine: Machine, accel: Accelerator): string[] {
  return [
    ...['-machine', machine.type, '-accel', accel, ...machineArguments(machine)],
    ...['-nodefaults', '-display', 'none', '-no-reboot'],
    ...['-serial', 'stdio', '-kernel', kernel],
  ];
}

/**
 * Arguments that have QEMU write down the code of the guest that it translates, which it does when that is first run.
 * @param ranges virtual addresses; what begins elsewhere is left out
 * @param path grows line by line, so that it is whole when QEMU is killed
 */
export const traceArguments = ({ ranges, path }: CodeTrace): string[] => [
  ...['-d', 'in_asm', '-D', path],
  ...['-dfilter', ranges.map(({ start, end }) => `${hex(start)}..${hex(end - 1n)}`).join(',')],
];

/** Which code of the guest is to be written down when it runs, and where. */
export interface CodeTrace {
  readonly ranges: readonly { readonly start: bigint; readonly end: bigint }[];
  readonly path: string;
}

function machineArguments({ cpu, size, nodes = [] }: Machine): string[] {
  return [
    ...(cpu === undefined ? [] : ['-cpu', cpu]),
    ...['-m', `${size >> 20n}M`],
    ...nodes.flatMap(nodeArguments),
  ];
}

/** The only CPU is on node 0. A node may have no memory. */
function nodeArguments(size: bigint, node: number): string[] {
  const cpus = node === 0 ? ',cpus=0' : '';
  if (size === 0n) return ['-numa', `node,nodeid=${node}${cpus}`];
  const backend = `memory-backend-ram,id=node${node},size=${size >> 20n}M`;
  return ['-object', backend, '-numa', `node,nodeid=${node},memdev=node${node}${cpus}`];
}

/**
 * The device tree of a machine that has one, as QEMU itself makes it.
 * @param program the emulator of its architecture
 * @throws KhoforgeError `QEMU_MISSING`, `QEMU_FAILED` (exit code 3)
 */
export function dumpMachineTree(machine: Machine, program: string): Uint8Array {
  using folder = temporaryFolder('tree');
  using children = claimChildren();
  const file = join(folder.path, 'machine.dtb');
  const type = ['-machine', `${machine.type},dumpdtb=${file}`, ...machineArguments(machine)];
  const { error, status, stderr } = spawnSync(program, [...type, '-nodefaults', '-display', 'none'], {
    encoding: 'utf8',
    env: children.env,
  });
  if (error) throw qemuMissing(program, error);
  if (status !== 0) {
    const exitCode = ExitCode.couldNotRun;
    throw new KhoforgeError('QEMU_FAILED', `${program} made no device tree: ${stderr.trim()}`, { exitCode });
  }
  return readFileSync(file);
}

export function qemuMissing(program: string | undefined, cause: Error): KhoforgeError {
  return new KhoforgeError('QEMU_MISSING', `cannot run ${program ?? 'nothing'}: ${reason(cause)}`, {
    hint: `apt-get install -y ${packageOf(program)}`,
    exitCode: ExitCode.couldNotRun,
    cause,
  });
}

/** Debian's; of a program that was named otherwise that of the default. */
function packageOf(program: string | undefined): string {
  const arch = ARCHES.find((one) => emulatorFor(one) === program) ?? DEFAULT_ARCH;
  return ARCHITECTURES[arch].emulator.package;
}

/** One line that can be pasted into a shell. */
export function shellLine(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : quoted(word))).join(' ');
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/**
 * What to try, and what then: with anything but TCG the guest may hang at its first instruction.
 * @param arch of the guest: KVM runs that of this machine alone
 */
export function accelerators(wanted: Accelerator | 'auto', arch: Arch): [Accelerator, Accelerator?] {
  const isNative = ARCHITECTURES[arch].toolchain.node === process.arch;
  if (wanted === 'auto') return isNative && canUseKvm() ? ['kvm', 'tcg'] : ['tcg'];
  return wanted === 'tcg' ? ['tcg'] : [wanted, 'tcg'];
}

function canUseKvm(): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
