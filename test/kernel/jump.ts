import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { consoleLines, message } from '../../src/guest/console.ts';
import { commandLine, QEMU } from '../../src/guest/qemu.ts';
import { kexecInitrd } from './kexec-initrd.ts';

/** Seconds after which `timeout` ends QEMU, whatever happened to this process. */
const WATCHDOG = 120;

/** A guest that kexecs from kernel to kernel and can be stopped each time just before it jumps. */
export interface JumpingGuest {
  /** Unix socket of QEMU's machine protocol. */
  readonly qmp: string;
  /** Until the running kernel is at the jump: its handover is complete, and the next kernel does not run yet. */
  untilJump(): Promise<void>;
  /** Lets the guest go on to its end. @returns console lines of all kernels without their time stamps */
  finish(): Promise<string[]>;
}

/** The kernels of a chain, first to last; the last one runs `initrd`. */
export interface Chain {
  readonly kernels: readonly string[];
  readonly initrd: string;
  readonly mebibytes: number;
  /** Kernel parameters beside khoforge's own. */
  readonly cmdline: string;
  /** Static program that the first kernel runs, with `-s 1`, before it loads the next. */
  readonly before?: string;
}

/** Starts the first kernel, stopped, uses the guest, and leaves nothing of it. */
export async function withJumpingGuest<T>(
  chain: Chain,
  use: (guest: JumpingGuest) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'khoforge-jump-'));
  const [log, qmp, gdb] = ['console.log', 'qmp', 'gdb'].map((name) => join(folder, name));
  if (!log || !qmp || !gdb) throw new Error('no paths');
  const child = spawn(
    'timeout',
    ['--signal=KILL', `${WATCHDOG}`, QEMU, ...qemuArguments(chain, folder, log, qmp, gdb)],
    {
      detached: true, // a process group of its own, so that both can be killed
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  const ended = new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  const kill = () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid, 'SIGKILL');
  };
  process.once('exit', kill);
  try {
    const stub = new GdbStub(await connect(gdb));
    let next = 0;
    return await use({
      qmp,
      untilJump: () => stub.runTo(symbol(chain.kernels[next++] ?? '', 'machine_kexec')),
      async finish() {
        stub.detach();
        await ended;
        return consoleLines(readFileSync(log)).map(message);
      },
    });
  } finally {
    kill();
    await ended;
    process.off('exit', kill);
    rmSync(folder, { recursive: true, force: true });
  }
}

function qemuArguments(chain: Chain, folder: string, log: string, qmp: string, gdb: string): string[] {
  const [first = '', ...later] = chain.kernels;
  const text = commandLine(chain.cmdline);
  // From the last kernel back: each initrd holds the next kernel and its initrd.
  const initrd = later.reduceRight(
    (inner, kernel, i) =>
      kexecInitrd({
        folder: join(folder, `${i}`),
        kernel,
        initrd: inner,
        cmdline: text,
        ...(i === 0 && chain.before !== undefined && { before: chain.before }),
      }),
    chain.initrd,
  );
  return [
    ...['-machine', 'q35', '-accel', 'tcg', '-m', `${chain.mebibytes}M`, '-S'],
    ...['-nodefaults', '-display', 'none', '-no-reboot', '-serial', `file:${log}`],
    ...['-qmp', `unix:${qmp},server=on,wait=off`, '-gdb', `unix:${gdb},server=on,wait=off`],
    ...['-kernel', first, '-initrd', initrd, '-append', text],
  ];
}

/** Address of a function, in hex, from the System.map that lies beside a kernel. */
function symbol(kernel: string, name: string): string {
  const map = readFileSync(join(dirname(kernel), 'System.map'), 'latin1');
  const line = new RegExp(`^([0-9a-f]+) [tT] ${name}$`, 'm').exec(map);
  if (!line?.[1]) throw new Error(`${kernel} has no ${name}`);
  return line[1];
}

/** QEMU makes its sockets when it is ready. */
async function connect(path: string): Promise<Socket> {
  for (let tries = 0; ; tries++) {
    const socket = createConnection(path);
    const failed = await new Promise<Error | undefined>((resolve) => {
      socket.once('connect', () => resolve(undefined)).once('error', resolve);
    });
    if (!failed) return socket.on('error', () => {});
    if (tries === 100) throw failed;
    await sleep(100);
  }
}

/** As much of the GDB remote protocol as it takes to run to an address: $text#checksum, answered by + and a packet. */
class GdbStub {
  readonly #socket: Socket;
  readonly #packets: AsyncIterator<string>;
  #breakpoint: string | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#packets = packets(socket);
  }

  async runTo(address: string): Promise<void> {
    if (this.#breakpoint !== undefined) await this.#leave(this.#breakpoint);
    this.#breakpoint = address;
    await this.#ask(`Z1,${address},1`, /^OK$/);
    await this.#ask('c', /^T05/);
  }

  /** Takes the breakpoint away and lets the guest run. */
  detach(): void {
    if (this.#breakpoint !== undefined) this.#send(`z1,${this.#breakpoint},1`);
    this.#send('D');
  }

  /** Off the instruction that the guest stands at. */
  async #leave(address: string): Promise<void> {
    await this.#ask(`z1,${address},1`, /^OK$/);
    await this.#ask('s', /^T05/);
  }

  async #ask(text: string, wanted: RegExp): Promise<void> {
    this.#send(text);
    const { done, value } = await this.#packets.next();
    if (done || !wanted.test(value)) throw new Error(`the guest answers '${value}' to '${text}'`);
  }

  #send(text: string): void {
    const sum = [...Buffer.from(text)].reduce((total, byte) => (total + byte) & 0xff, 0);
    this.#socket.write(`$${text}#${sum.toString(16).padStart(2, '0')}`);
  }
}

async function* packets(socket: Socket): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of socket.setEncoding('latin1')) {
    rest += chunk;
    for (let found = /\$([^#]*)#..\+?/.exec(rest); found; found = /\$([^#]*)#../.exec(rest)) {
      rest = rest.slice(found.index + found[0].length);
      socket.write('+');
      yield found[1] ?? '';
    }
  }
}
