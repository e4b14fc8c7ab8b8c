import { type ChildProcess, spawn } from 'node:child_process';
import { claimChildren } from '../base/cleanup.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { beforeSignal } from '../base/signals.ts';
import { LineSplitter, message, STOP_LINES } from './console.ts';
import { ConsoleLog } from './console-log.ts';
import type { Accelerator, RunEnd, RunEvent } from './events.ts';
import { type Limit, lostSeconds, startLimit } from './lost-time.ts';
import { qemuMissing, shellLine } from './qemu.ts';
import { StallWatch } from './stall.ts';

export interface RunOptions {
  /** Program and arguments; the program prints the guest's console on its standard output. */
  readonly argv: readonly string[];
  readonly accel: Accelerator;
  /** Regular file that gets every byte of the console. */
  readonly logPath: string;
  /** Seconds for the whole run. Of this limit and the next, what a busy host took from QEMU is granted again. */
  readonly timeout: number;
  /** Seconds that the console may be silent at the start; default: the whole run. */
  readonly silence?: number;
  /** The line that ends this silence; default: any byte. */
  readonly signOfLife?: RegExp;
  /** Seconds of processor time that the guest may take between two lines; default: the whole run. */
  readonly stall?: number;
  /** Console bytes after which the run is ended. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Lines after which a kernel does nothing more: they end the run. Default: those that are known. */
  readonly lastLines?: readonly RegExp[];
  /** Texts of the guest's own that end the run, beside the kernel's last lines. */
  readonly stopLines?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
}

const MAX_CONSOLE_BYTES = 64 << 20;
/** Bytes of QEMU's messages that are kept. */
const MAX_STDERR_BYTES = 64 << 10;
/** Milliseconds for QEMU to end by itself after the guest's last line. */
const STOP_GRACE = 1000;
/** Milliseconds between two looks at the console. */
const CONSOLE_PERIOD = 20;
/** Milliseconds between two looks at what the host took from QEMU. */
const LOST_PERIOD = 1000;

/** A QEMU that runs. */
export interface RunningQemu {
  /** How it ended; `failed` when QEMU, not the guest, is to blame. Rejects with `QEMU_MISSING`. */
  readonly ended: Promise<RunEnd>;
  /**
   * What `work` comes to, which needs QEMU to run.
   * @throws KhoforgeError `QEMU_FAILED` (exit code 3) when QEMU ends before
   */
  during<T>(work: Promise<T>): Promise<T>;
}

/**
 * Runs QEMU to its end without a shell and reports what happens. It does not outlive this process, whatever ends that.
 * @throws KhoforgeError `QEMU_MISSING`, `LOG_UNWRITABLE`
 */
export function runQemu(options: RunOptions): Promise<RunEnd> {
  return withQemu(options, ({ ended }) => ended);
}

/**
 * The same for a QEMU that is worked with while it runs: it is killed when `use` is done.
 * @throws KhoforgeError `QEMU_MISSING`, `LOG_UNWRITABLE`
 */
export async function withQemu<T>(options: RunOptions, use: (qemu: RunningQemu) => Promise<T>): Promise<T> {
  const log = new ConsoleLog(options.logPath);
  const run = new Run(options, log);
  try {
    return await use(run);
  } finally {
    run.dispose();
    await run.ended.catch(() => {});
    log.close();
  }
}

/** One child process, its console, and what may end it early. */
class Run implements RunningQemu {
  readonly ended: Promise<RunEnd>;
  readonly #options: RunOptions;
  readonly #log: ConsoleLog;
  readonly #child: ChildProcess;
  readonly #splitter = new LineSplitter((text) => this.#line(text));
  readonly #started = performance.now();
  readonly #silence: Limit | undefined;
  readonly #stall: StallWatch | undefined;
  readonly #undo: (() => void)[] = [];
  /** Why we killed it, if we did. */
  #killedFor: RunEnd | undefined;
  #closed = false;
  #stderr = '';
  #lost = 0;
  #lostAt = 0;

  constructor(options: RunOptions, log: ConsoleLog) {
    this.#options = options;
    this.#log = log;
    const [program = '', ...args] = options.argv;
    options.onEvent?.({ type: 'start', argv: options.argv, accel: options.accel });
    // A process group of its own, so that everything in it can be killed, and ^C reaches us first.
    const { env, release } = claimChildren();
    this.#undo.push(release);
    this.#child = spawn(program, args, { detached: true, stdio: ['ignore', log.file, 'pipe'], env });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(0, MAX_STDERR_BYTES);
    });
    this.ended = this.#end();
    const { timeout, silence } = options;
    if (silence !== undefined) {
      this.#silence = this.#limit(silence, { kind: 'silence', seconds: silence });
    }
    this.#limit(timeout, { kind: 'timeout', seconds: timeout });
    this.#stall = this.#watchStall();
    const look = setInterval(() => this.#readConsole(), CONSOLE_PERIOD);
    this.#undo.push(() => clearInterval(look));
    const aborting = beforeSignal(() => this.#kill({ kind: 'aborted' }));
    this.#undo.push(() => aborting[Symbol.dispose]());
    this.#obeySignal();
  }

  during<T>(work: Promise<T>): Promise<T> {
    const early = this.ended.then((end) => {
      throw endedEarly(end, this.#options.argv);
    });
    return Promise.race([work, early]);
  }

  dispose(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#killGroup();
  }

  #end(): Promise<RunEnd> {
    const ended = new Promise<RunEnd>((resolve, reject) => {
      this.#child.once('error', (cause) => {
        this.#closed = true;
        reject(qemuMissing(this.#options.argv[0], cause));
      });
      this.#child.once('close', (code, signal) => {
        // It comes after an error too, when the log is closed.
        if (this.#closed) return;
        this.#closed = true;
        this.#readConsole();
        this.#splitter.flush();
        const end = this.#endOf(code, signal);
        this.#options.onEvent?.({ type: 'end', end, seconds: this.#seconds(), lost: this.#lost });
        resolve(end);
      });
    });
    ended.catch(() => {}); // where nobody waits for the end
    return ended;
  }

  #readConsole(): void {
    // Once QEMU has ended nobody can tell any more.
    if (performance.now() - this.#lostAt > LOST_PERIOD && !this.#closed) this.#lostNow();
    const limit = this.#options.maxBytes ?? MAX_CONSOLE_BYTES;
    while (this.#killedFor === undefined || this.#killedFor.kind === 'stopped') {
      const piece = this.#log.next();
      if (piece.length === 0) return;
      if (!this.#options.signOfLife) this.#silence?.cancel();
      this.#stall?.output();
      this.#splitter.push(piece);
      if (this.#log.bytesRead > limit) this.#kill({ kind: 'flood', bytes: limit });
    }
  }

  #endOf(code: number | null, signal: string | null): RunEnd {
    if (this.#killedFor?.kind === 'flood') this.#log.dropUnread();
    if (this.#killedFor) return this.#killedFor;
    const full = this.#log.whyFull();
    if (full !== undefined) return { kind: 'failed', status: full, stderr: '' };
    if (code === 0) return { kind: 'exit' };
    return { kind: 'failed', status: signal ?? `exit status ${code}`, stderr: this.#stderr.trim() };
  }

  #line(text: string): void {
    this.#options.onEvent?.({ type: 'line', text, seconds: this.#seconds() });
    const bare = message(text);
    if (this.#options.signOfLife?.test(bare)) this.#silence?.cancel();
    const last = (this.#options.lastLines ?? STOP_LINES).some((stop) => stop.test(bare));
    const wanted = this.#options.stopLines?.some((stop) => text.includes(stop)) === true;
    if (last || wanted) this.#after(wanted ? 0 : STOP_GRACE, { kind: 'stopped', line: bare });
  }

  #watchStall(): StallWatch | undefined {
    const { stall } = this.#options;
    const { pid } = this.#child;
    if (stall === undefined || pid === undefined) return undefined;
    const look = () => this.#readConsole();
    const watch = new StallWatch(pid, stall, look, () => this.#kill({ kind: 'stalled', seconds: stall }));
    this.#undo.push(() => watch[Symbol.dispose]());
    return watch;
  }

  #after(milliseconds: number, end: RunEnd): void {
    const timer = setTimeout(() => this.#kill(end), milliseconds);
    this.#undo.push(() => clearTimeout(timer));
  }

  #limit(seconds: number, end: RunEnd): Limit {
    const limit = startLimit(
      seconds,
      () => this.#lostNow(),
      (slow) => this.#kill(slow ? { kind: 'slow', seconds: this.#seconds() } : end),
    );
    this.#undo.push(() => limit.cancel());
    return limit;
  }

  #lostNow(): number {
    if (this.#child.pid !== undefined) this.#lost = Math.max(this.#lost, lostSeconds(this.#child.pid));
    this.#lostAt = performance.now();
    return this.#lost;
  }

  #kill(end: RunEnd): void {
    this.#killedFor ??= end;
    this.#killGroup();
  }

  #killGroup(): void {
    if (this.#closed || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // The group is gone already.
    }
  }

  #obeySignal(): void {
    const { signal } = this.#options;
    if (!signal) return;
    const onAbort = () => this.#kill({ kind: 'aborted' });
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    this.#undo.push(() => signal.removeEventListener('abort', onAbort));
  }

  #seconds(): number {
    return Math.round(performance.now() - this.#started) / 1000;
  }
}

/** @returns the error for a QEMU that failed by itself */
export function qemuFailed({ status, stderr }: { status: string; stderr: string }, argv: readonly string[]) {
  return new KhoforgeError('QEMU_FAILED', `${argv[0]} failed (${status})${stderr ? `: ${stderr}` : ''}`, {
    exitCode: ExitCode.couldNotRun,
    hint: `it was run as: ${shellLine(argv)}`,
  });
}

function endedEarly(end: RunEnd, argv: readonly string[]): KhoforgeError {
  const status = 'status' in end ? end.status : `it ended early: ${end.kind}`;
  return qemuFailed({ status, stderr: 'stderr' in end ? end.stderr : '' }, argv);
}
