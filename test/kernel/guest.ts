import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { consoleLines, message } from '../../src/guest/console.ts';
import { commandLine, QEMU } from '../../src/guest/qemu.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';

export interface GuestOptions {
  kernel: string;
  initrd: string;
  /** Kernel parameters beside khoforge's own, which switch KHO on. */
  cmdline: string;
  mebibytes: number;
  /** Whether to read the guest's memory; it is then all below 2 GiB. */
  dump: boolean;
}

/** A kernel that started in QEMU as a first kernel, ran its init and powered off. */
export interface Guest {
  /** Console lines without their time stamps. */
  readonly console: readonly string[];
  /** From 1 MiB to the end of memory as it was at power-off, or nothing. Below is no place for KHO on x86. */
  readonly memory: PhysicalMemory;
}

/** Seconds after which `timeout` ends QEMU, whatever happened to this process. */
const WATCHDOG = 90;
const MiB = 1 << 20;

/**
 * Boots a kernel under TCG, and reads its memory after it powered off: with -no-shutdown QEMU keeps the machine then.
 * @throws Error when the guest did anything but power off after its init was done
 */
export async function runGuest(options: GuestOptions): Promise<Guest> {
  const folder = mkdtempSync(join(tmpdir(), 'khoforge-guest-'));
  const [log, dump] = [join(folder, 'console.log'), join(folder, 'memory')];
  try {
    const saved = { val: MiB, size: (options.mebibytes - 1) * MiB, filename: dump };
    await runQemu(qemuArguments(options, log), async (monitor) => {
      await monitor.shutdown();
      if (options.dump) await monitor.execute('pmemsave', saved);
    });
    const console = consoleLines(readFileSync(log)).map(message);
    if (!console.includes('khoforge-init: done')) throw new Error('the guest ended before its init was done');
    const memory = options.dump ? readDump(dump, saved) : new PhysicalMemory();
    return { console, memory };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function qemuArguments({ kernel, initrd, cmdline, mebibytes }: GuestOptions, log: string): string[] {
  return [
    ...['-machine', 'q35', '-accel', 'tcg', '-m', `${mebibytes}M`],
    ...['-nodefaults', '-display', 'none', '-no-reboot', '-no-shutdown'],
    ...['-qmp', 'stdio', '-serial', `file:${log}`],
    ...['-kernel', kernel, '-initrd', initrd, '-append', commandLine(cmdline)],
  ];
}

async function runQemu(args: string[], use: (monitor: Monitor) => Promise<void>): Promise<void> {
  const child = spawn('timeout', ['--signal=KILL', `${WATCHDOG}`, QEMU, ...args], {
    detached: true, // a process group of its own, so that both can be killed
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  const kill = () => killGroup(child);
  process.once('exit', kill);
  try {
    const monitor = new Monitor(child.stdin, child.stdout);
    await monitor.execute('qmp_capabilities');
    await use(monitor);
    await monitor.execute('quit');
    await ended;
  } finally {
    kill();
    await ended;
    process.off('exit', kill);
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** QEMU's machine protocol: one JSON object a line, answers in order, events between them. */
class Monitor {
  readonly #input: Writable;
  readonly #lines: AsyncIterator<string>;
  #shutdown: unknown;

  constructor(input: Writable, output: Readable) {
    this.#input = input.on('error', () => {}); // a QEMU that ended shows as the end of its output
    this.#lines = createInterface({ input: output })[Symbol.asyncIterator]();
  }

  async execute(command: string, args: Record<string, unknown> = {}): Promise<void> {
    this.#input.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    while (!('return' in (await this.#next(command))));
  }

  /** Until the guest powers off. */
  async shutdown(): Promise<void> {
    while (this.#shutdown === undefined) await this.#next('the end of the guest');
    const reason = JSON.stringify(this.#shutdown);
    if (!reason.includes('"guest-shutdown"')) throw new Error(`the guest did not power off: ${reason}`);
  }

  async #next(what: string): Promise<object> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error(`QEMU ended before ${what}`);
    const message: unknown = JSON.parse(value);
    if (typeof message !== 'object' || message === null || 'error' in message) {
      throw new Error(`QEMU refused ${what}: ${value}`);
    }
    if ('event' in message && message.event === 'SHUTDOWN' && 'data' in message)
      this.#shutdown = message.data;
    return message;
  }
}

/**
 * One extent for all of it: a page of zeroes is memory too, and a radix leaf may be one. Only what is not zero is
 * written to the buffer, so that the rest takes no memory here either.
 */
function readDump(path: string, { val, size }: { val: number; size: number }): PhysicalMemory {
  const bytes = Buffer.alloc(size);
  const piece = Buffer.alloc(MiB);
  const file = openSync(path, 'r');
  try {
    for (let at = 0; at < size; at += MiB) {
      if (readSync(file, piece, 0, MiB, at) !== MiB)
        throw new Error(`the dump ends before ${at + MiB} bytes`);
      copyPages(piece, bytes.subarray(at, at + MiB));
    }
  } finally {
    closeSync(file);
  }
  const memory = new PhysicalMemory();
  memory.map(BigInt(val), bytes);
  return memory;
}

const ZEROES = Buffer.alloc(4096);

function copyPages(from: Buffer, to: Buffer): void {
  for (let at = 0; at < from.length; at += ZEROES.length) {
    const page = from.subarray(at, at + ZEROES.length);
    if (!page.equals(ZEROES)) page.copy(to, at);
  }
}
