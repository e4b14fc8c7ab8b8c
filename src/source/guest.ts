import { closeSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { reason, writeAll } from '../base/files.ts';
import { beforeSignal } from '../base/signals.ts';
import { Monitor } from '../guest/qmp.ts';

// QEMU stops a guest that runs, writes its memory and lets it go on, all of that by itself (dump/dump.c: dump_init(),
// dump_cleanup(), 7.2). It writes into a pipe that only this process reads: when this process ends, in whatever way, the
// kernel closes the pipe, the next write fails, and QEMU lets the guest go on at once. A guest that was paused before
// stays so. QEMU itself has no file that could be left behind, or be taken for another.

export interface DumpHooks {
  /** Bytes. */
  readonly onProgress?: (progress: { readonly done: bigint; readonly total: bigint }) => void;
  /** Called when the dump is over, whole or not, with a sentence on what the guest does now. */
  readonly onGuest?: (text: string) => void;
}

/** Name of the pipe, in this monitor. */
const PIPE = 'khoforge';
/** Milliseconds for QEMU to let the guest go on, which takes it one write. */
const END_PATIENCE = 10_000;
const END_PERIOD = 20;

/**
 * Dumps the memory of a running QEMU guest into `path`, an ELF core that only this user can read. Whatever ends the dump,
 * the guest goes on afterwards if it ran before.
 * @param socket unix socket of QEMU's machine protocol
 * @param path a file that is not there yet; there is none when this fails
 * @throws KhoforgeError `MONITOR_FAILED`, `DUMP_FAILED`, `OUTPUT_FAILED` (exit code 3)
 */
export async function dumpGuest(socket: string, path: string, hooks: DumpHooks = {}): Promise<void> {
  const monitor = await Monitor.connect(socket);
  try {
    await intoNewFile(path, (file) => dump(monitor, file, hooks));
  } finally {
    monitor.close();
  }
}

async function intoNewFile(path: string, fill: (file: number) => Promise<void>): Promise<void> {
  let file: number | undefined;
  try {
    file = openSync(path, 'wx', 0o600);
    await fill(file);
  } catch (cause) {
    if (file !== undefined) rmSync(path, { force: true });
    if (cause instanceof KhoforgeError) throw cause;
    throw new KhoforgeError('OUTPUT_FAILED', `cannot dump the guest into ${path}: ${reason(cause)}`, {
      where: { file: path },
      exitCode: ExitCode.couldNotRun,
      cause,
    });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

async function dump(monitor: Monitor, file: number, hooks: DumpHooks): Promise<void> {
  const { running } = await monitor.execute('query-status');
  const pipe = await monitor.givePipe(PIPE);
  try {
    await monitor.execute('dump-guest-memory', { paging: false, protocol: `fd:${PIPE}`, detach: true });
  } catch (error) {
    closeSync(pipe);
    await monitor.execute('closefd', { fdname: PIPE }).catch(() => {});
    throw error;
  }
  const started = performance.now();
  const copy = new Copy(pipe, file, hooks.onProgress);
  const work = copy.untilEnd(monitor).finally(async () => {
    copy.stop();
    const failure = await ended(monitor);
    hooks.onGuest?.(await goingOn(monitor, running === true, started));
    if (failure !== undefined) throw failure;
  });
  using _told = beforeSignal(async () => {
    copy.stop();
    await work.catch(() => {});
  });
  // ^Z would stop the guest with this process.
  process.on('SIGTSTP', noStop);
  try {
    await work;
  } finally {
    process.off('SIGTSTP', noStop);
  }
}

const noStop = () => {};

/** Bytes that are read at once: all that the pipe holds. */
const PIECE_BYTES = 1 << 20;

/** From a pipe to a file. The guest stands still meanwhile: no other thread is waited for. */
class Copy {
  readonly #pipe: Socket;
  readonly #end: Promise<void>;
  #total = 0n;

  /** @param fd of the pipe, closed with the copy */
  constructor(fd: number, file: number, onProgress: DumpHooks['onProgress']) {
    const buffer = Buffer.allocUnsafe(PIECE_BYTES);
    let done = 0n;
    const callback = (length: number): boolean => {
      try {
        writeAll(file, buffer.subarray(0, length));
        done += BigInt(length);
        if (this.#total > 0n) onProgress?.({ done, total: this.#total });
      } catch (error) {
        this.#pipe.destroy(error instanceof Error ? error : new Error(String(error)));
      }
      return true;
    };
    // Documented for connect(), which hands it to the constructor.
    const options = { fd, readable: true, writable: false, onread: { buffer, callback } };
    this.#pipe = new Socket(options);
    this.#end = new Promise((resolve, reject) => {
      this.#pipe.once('error', reject).once('close', () => resolve());
    });
    this.#end.catch(() => {}); // untilEnd() waits for something else first
    this.#pipe.resume();
  }

  async untilEnd(monitor: Monitor): Promise<void> {
    const { total } = await monitor.execute('query-dump');
    if (typeof total === 'number') this.#total = BigInt(total);
    await this.#end;
  }

  stop(): void {
    this.#pipe.destroy();
  }
}

/** Waits for the end of the dump. @returns why QEMU did not write all of it */
async function ended(monitor: Monitor): Promise<KhoforgeError | undefined> {
  const { error } = await monitor.event('DUMP_COMPLETED');
  if (error === undefined) return undefined;
  return new KhoforgeError('DUMP_FAILED', `QEMU could not dump the guest: ${error}`, {
    exitCode: ExitCode.couldNotRun,
  });
}

/** Waits for a guest that ran before. @returns what it does, for a person */
async function goingOn(monitor: Monitor, ran: boolean, started: number): Promise<string> {
  const deadline = performance.now() + END_PATIENCE;
  for (;;) {
    const { running, status } = await monitor.execute('query-status');
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (!ran) return `the guest is '${status}', as it was before the dump`;
    if (running === true) return `the guest stood still for ${seconds} s and goes on`;
    if (performance.now() > deadline) {
      return `the guest is '${status}' after the dump: the command 'cont' of QEMU's machine protocol lets it go on`;
    }
    await sleep(END_PERIOD);
  }
}
