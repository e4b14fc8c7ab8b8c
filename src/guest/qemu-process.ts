import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { KhoforgeError } from '../base/errors.ts';
import { reason } from '../base/files.ts';
import { LineSplitter, message, STOP_LINES } from './console.ts';
import type { Accelerator, RunEnd, RunEvent } from './events.ts';
import { qemuMissing } from './qemu.ts';

export interface RunOptions {
  /** Program and arguments; the program prints the guest's console on its standard output. */
  readonly argv: readonly string[];
  readonly accel: Accelerator;
  /** File that gets every byte of the console. */
  readonly logPath: string;
  /** Seconds for the whole run. */
  readonly timeout: number;
  /** Seconds that the console may be silent at the start. */
  readonly silence: number;
  /** The line that ends this silence; default: any byte. */
  readonly signOfLife?: RegExp;
  /** Console bytes after which the run is ended. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Texts of the guest's own that end the run, beside the kernel's last lines. */
  readonly stopLines?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
}

const MAX_CONSOLE = 64 << 20;
/** Bytes of QEMU's messages that are kept. */
const MAX_STDERR = 64 << 10;
/** Milliseconds for QEMU to end by itself after the guest's last line. */
const STOP_GRACE = 1000;

/**
 * Runs QEMU without a shell and reports what happens. It does not outlive this process, whatever ends that, except
 * SIGKILL.
 * @returns how it ended; `failed` when QEMU, not the guest, is to blame
 * @throws KhoforgeError `QEMU_MISSING`, `LOG_UNWRITABLE`
 */
export async function runQemu(options: RunOptions): Promise<RunEnd> {
  const log = openLog(options.logPath);
  const run = new Run(options, log);
  try {
    return await run.end();
  } finally {
    run.dispose();
    closeSync(log);
  }
}

/** One child process, its console, and what may end it early. */
class Run {
  readonly #options: RunOptions;
  readonly #log: number;
  readonly #child: ChildProcess;
  readonly #splitter = new LineSplitter((text) => this.#line(text));
  readonly #started = performance.now();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #silence: NodeJS.Timeout;
  readonly #undo: (() => void)[] = [];
  /** Why we killed it, if we did. */
  #killedFor: RunEnd | undefined;
  #closed = false;
  #bytes = 0;
  #stderr = '';

  constructor(options: RunOptions, log: number) {
    this.#options = options;
    this.#log = log;
    const [program = '', ...args] = options.argv;
    options.onEvent?.({ type: 'start', argv: options.argv, accel: options.accel });
    // A process group of its own, so that everything in it can be killed, and ^C reaches us first.
    this.#child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#console(chunk));
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(0, MAX_STDERR);
    });
    const { timeout, silence } = options;
    this.#silence = this.#after(silence * 1000, { kind: 'silence', seconds: silence });
    this.#after(timeout * 1000, { kind: 'timeout', seconds: timeout });
    this.#dieWithParent();
    this.#obeySignal();
  }

  end(): Promise<RunEnd> {
    return new Promise((resolve, reject) => {
      this.#child.once('error', (cause) => reject(this.#spawnError(cause)));
      this.#child.once('close', (code, signal) => {
        this.#closed = true;
        this.#splitter.flush();
        const end = this.#killedFor ?? ended(code, signal, this.#stderr);
        this.#options.onEvent?.({ type: 'end', end, seconds: this.#seconds() });
        resolve(end);
      });
    });
  }

  dispose(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const undo of this.#undo) undo();
    this.#killGroup();
  }

  #console(chunk: Buffer): void {
    if (this.#killedFor && this.#killedFor.kind !== 'stopped') return;
    if (!this.#options.signOfLife) clearTimeout(this.#silence);
    if (!this.#save(chunk)) return;
    this.#bytes += chunk.length;
    this.#splitter.push(chunk);
    const limit = this.#options.maxBytes ?? MAX_CONSOLE;
    if (this.#bytes > limit) this.#kill({ kind: 'flood', bytes: limit });
  }

  #save(chunk: Buffer): boolean {
    try {
      writeSync(this.#log, chunk);
      return true;
    } catch (cause) {
      this.#kill({ kind: 'failed', status: `cannot write the console log: ${reason(cause)}`, stderr: '' });
      return false;
    }
  }

  #line(text: string): void {
    this.#options.onEvent?.({ type: 'line', text, seconds: this.#seconds() });
    const bare = message(text);
    if (this.#options.signOfLife?.test(bare)) clearTimeout(this.#silence);
    const last = STOP_LINES.some((stop) => stop.test(bare));
    const wanted = this.#options.stopLines?.some((stop) => text.includes(stop)) === true;
    if (last || wanted) this.#after(wanted ? 0 : STOP_GRACE, { kind: 'stopped', line: bare });
  }

  #after(milliseconds: number, end: RunEnd): NodeJS.Timeout {
    const timer = setTimeout(() => this.#kill(end), milliseconds);
    this.#timers.push(timer);
    return timer;
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

  #dieWithParent(): void {
    const onExit = () => this.#killGroup();
    process.on('exit', onExit);
    this.#undo.push(() => process.off('exit', onExit));
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      const onSignal = () => {
        this.#kill({ kind: 'aborted' });
        process.off(name, onSignal);
        if (process.listenerCount(name) === 0) process.kill(process.pid, name);
      };
      process.on(name, onSignal);
      this.#undo.push(() => process.off(name, onSignal));
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

  #spawnError(cause: Error): KhoforgeError {
    const [program] = this.#options.argv;
    return qemuMissing(program, cause);
  }

  #seconds(): number {
    return Math.round(performance.now() - this.#started) / 1000;
  }
}

function ended(code: number | null, signal: string | null, stderr: string): RunEnd {
  if (code === 0) return { kind: 'exit' };
  return { kind: 'failed', status: signal ?? `exit status ${code}`, stderr: stderr.trim() };
}

function openLog(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (cause) {
    throw new KhoforgeError('LOG_UNWRITABLE', `cannot write the console log ${path}: ${reason(cause)}`, {
      where: { file: path },
      cause,
    });
  }
}
