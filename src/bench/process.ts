import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { claimChildren } from '../base/cleanup.ts';
import { packageFile } from '../base/package.ts';
import type { ContenderName } from './contenders/index.ts';
import type { Reply, Request } from './messages.ts';

const CHILD = packageFile('dist/bench/child.js');

/**
 * So that each result is in memory that its contender has not had before, as the first one of a process is: glibc
 * keeps what is freed, up to 32 MiB of it, for the next run (mallopt(3): M_MMAP_THRESHOLD).
 */
const FRESH_MEMORY = { MALLOC_MMAP_THRESHOLD_: String(128 * 1024) };

/** The process of one contender, on one core where `taskset` (util-linux) is installed. */
export class ContenderProcess {
  readonly #child: ChildProcess;
  readonly #claimed = claimChildren();
  #ended: string | undefined;
  #waiting: ((reply: Reply) => void) | undefined;

  /** @param core number of the core that it may use; undefined: all */
  constructor(name: ContenderName, core: number | undefined) {
    const node = [process.execPath, '--expose-gc', CHILD, name];
    const [program = '', ...args] = core === undefined ? node : ['taskset', '-c', String(core), ...node];
    this.#child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...this.#claimed.env, ...FRESH_MEMORY },
    });
    this.#child.on('message', (reply: Reply) => this.#settle(reply));
    this.#child.on('error', (error) => this.#end(error.message));
    this.#child.on('exit', (code, signal) =>
      this.#end(`its process ended with ${signal ?? `exit code ${code}`}`),
    );
  }

  /** One question at a time. A process that ended, for want of memory perhaps, answers `failed`. */
  ask(request: Request): Promise<Reply> {
    return new Promise((resolve) => {
      if (this.#ended !== undefined) {
        resolve({ kind: 'failed', text: this.#ended, hint: null });
        return;
      }
      this.#waiting = resolve;
      this.#child.send(request);
    });
  }

  stop(): void {
    this.#child.kill();
  }

  #end(text: string): void {
    this.#ended ??= text;
    this.#claimed.release();
    this.#settle({ kind: 'failed', text: this.#ended, hint: null });
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(reply);
  }
}

/** Milliseconds over which cores are watched. */
const WATCH = 200;

/**
 * The core with the least to do, to stay on: another benchmark may be on one.
 * @returns undefined without `taskset` (util-linux)
 */
export async function coreToPin(): Promise<number | undefined> {
  const found = spawnSync('taskset', ['--version'], { stdio: 'ignore' });
  if (found.status !== 0) return undefined;
  const before = cpus().map(({ times }) => times.idle);
  await setTimeout(WATCH);
  const idle = cpus().map(({ times }, core) => times.idle - (before[core] ?? 0));
  // Of equals the last: the first ones handle most interrupts.
  return idle.lastIndexOf(Math.max(...idle));
}
