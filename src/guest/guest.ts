import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arch } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { temporaryFolder } from '../base/cleanup.ts';
import { consoleLines, message } from './console.ts';
import { commandLine, emulatorFor, qemuArguments } from './qemu.ts';
import { type RunningQemu, type RunOptions, withQemu } from './qemu-process.ts';

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
  /** Bytes of each NUMA node, in the order of addresses; together the memory. */
  readonly nodes?: readonly bigint[] | undefined;
  /** More arguments for QEMU. */
  readonly qemu?: readonly string[];
  /** Starts it stopped, with a gdb stub. */
  readonly debug?: boolean;
  /** Keeps the machine and its memory after the guest has powered off, until QEMU is told to quit. */
  readonly keep?: boolean;
  /** Seconds for everything; default 120. */
  readonly timeout?: number;
  /** Where the console goes; default: a file that goes with the guest. */
  readonly logPath?: string;
  /** What is watched of the run, and ends it. */
  readonly watch?: Pick<RunOptions, 'onEvent' | 'silence' | 'signal' | 'stall'>;
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
  const [qmp, gdb, initrd] = [at('qmp'), at('gdb'), at('initrd.cpio')];
  const { logPath = at('console.log'), watch } = options;
  writeFileSync(initrd, options.initrd);
  const stub = options.debug ? ['-S', '-gdb', `unix:${gdb},server=on,wait=off`] : [];
  const monitor = ['-qmp', `unix:${qmp},server=on,wait=off`];
  const keep = options.keep ? ['-no-shutdown'] : [];
  const argv = [...guestArguments(options), '-initrd', initrd, ...monitor, ...stub, ...keep];
  const timeout = options.timeout ?? TIMEOUT;
  const lastLines = options.keep ? { lastLines: [] } : {};
  return await withQemu({ ...watch, ...lastLines, argv, accel: 'tcg', logPath, timeout }, (qemu) =>
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

function guestArguments({ arch, kernel, cmdline, memory, nodes, qemu = [] }: GuestOptions): string[] {
  const { machineFor, machineRam } = ARCHITECTURES[arch];
  const machine = { ...machineFor(machineRam(memory), memory), ...(nodes && { nodes }) };
  const own = [emulatorFor(arch), ...qemuArguments(kernel, machine, 'tcg')];
  return [...own, '-append', commandLine(cmdline, arch), ...qemu];
}
