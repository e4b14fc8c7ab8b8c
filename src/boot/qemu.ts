import { accessSync, constants } from 'node:fs';
import type { Machine } from '../memory/machine.ts';
import type { Accelerator } from './events.ts';

export const QEMU = 'qemu-system-x86_64';

/** What khoforge always puts on the kernel's command line, before the user's. */
const OWN = [
  'console=ttyS0',
  'earlyprintk=serial,ttyS0,115200', // a kernel that dies before the console has last words too
  'ignore_loglevel', // the proofs are pr_info() and would not show with `quiet`
  'panic=-1', // reboot at once; with -no-reboot QEMU ends
  'kho=on', // without it the receiver reserves the memory but uses nothing of it
];

/** The kernel command line; of a parameter given twice the kernel takes the last. */
export function commandLine(user = ''): string {
  return [...OWN, user.trim()].filter((part) => part !== '').join(' ');
}

/** Arguments for QEMU: one CPU, a serial console on standard output, nothing else. */
export function qemuArguments(elf: string, machine: Machine, accel: Accelerator): string[] {
  const memory = `${machine.size >> 20n}M`;
  return [
    ...['-machine', machine.type, '-accel', accel, '-m', memory],
    ...['-nodefaults', '-display', 'none', '-no-reboot'],
    ...['-serial', 'stdio', '-kernel', elf],
  ];
}

/** One line that can be pasted into a shell. */
export function shellLine(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : quoted(word))).join(' ');
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** What to try, and what then: with anything but TCG the guest may hang at its first instruction. */
export function accelerators(wanted: Accelerator | 'auto'): [Accelerator, Accelerator?] {
  if (wanted === 'auto') return process.arch === 'x64' && canUseKvm() ? ['kvm', 'tcg'] : ['tcg'];
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
