import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arch } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { temporaryFolder } from '../base/cleanup.ts';
import { consoleLines, message } from './console.ts';
import { commandLine, emulatorFor, qemuArguments } from './qemu.ts';
import { type RunningQemu, withQemu } from './qemu-process.ts';

/** A kernel that QEMU itself loads and starts, with nothing handed over to it. */
export interface GuestOptions {
  readonly arch: Arch;
  /** Path. */
  readonly kernel: string;
  readonly initrd: Uint8Array;
  /** More kernel command line, after khoforge's own. */
  readonly cmdline?: string;
  /** Bytes, whole MiB. */
  readonly memory: bigint;
  /** More arguments for QEMU. */
  readonly qemu?: readonly string[];
  /** Starts it stopped, with a gdb stub. */
  readonly debug?: boolean;
  /** Keeps the machine and its memory after the guest has powered off, until QEMU is told to quit. */
  readonly keep?: boolean;
  /** Seconds for everything; default 120. */
  readonly timeout?: number;
}

export interface Guest {
  readonly qemu: RunningQemu;
  /** Unix socket of QEMU's machine protocol. */
  readonly qmp: string;
  /** Unix socket of the gdb stub. */
  readonly gdb: string;
  /** Waits for the end of QEMU. @returns the lines of the console, without their stamps */
  console(): Promise<string[]>;
}

const TIMEOUT = 120;

/** Starts a guest under TCG, uses it, and leaves nothing of it. @throws KhoforgeError of withQemu() */
export async function withGuest<T>(options: GuestOptions, use: (guest: Guest) => Promise<T>): Promise<T> {
  using folder = temporaryFolder('guest');
  const at = (name: string) => join(folder.path, name);
  const [qmp, gdb, logPath, initrd] = [at('qmp'), at('gdb'), at('console.log'), at('initrd.cpio')];
  writeFileSync(initrd, options.initrd);
  const stub = options.debug ? ['-S', '-gdb', `unix:${gdb},server=on,wait=off`] : [];
  const monitor = ['-qmp', `unix:${qmp},server=on,wait=off`];
  const keep = options.keep ? ['-no-shutdown'] : [];
  const argv = [...guestArguments(options), '-initrd', initrd, ...monitor, ...stub, ...keep];
  const timeout = options.timeout ?? TIMEOUT;
  const run = { argv, accel: 'tcg', logPath, timeout, ...(options.keep && { lastLines: [] }) } as const;
  return await withQemu(run, (qemu) =>
    use({
      qemu,
      qmp,
      gdb,
      console: async () => {
        await qemu.ended;
        return consoleLines(readFileSync(logPath)).map(message);
      },
    }),
  );
}

/** Runs a guest to its end. @returns the lines of its console, without their stamps */
export function runGuest(options: GuestOptions): Promise<string[]> {
  return withGuest(options, (guest) => guest.console());
}

function guestArguments({ arch, kernel, cmdline, memory, qemu = [] }: GuestOptions): string[] {
  const { machineFor, machineRam } = ARCHITECTURES[arch];
  const machine = machineFor(machineRam(memory), memory);
  const own = [emulatorFor(arch), ...qemuArguments(kernel, machine, 'tcg')];
  return [...own, '-append', commandLine(cmdline, arch), ...qemu];
}
