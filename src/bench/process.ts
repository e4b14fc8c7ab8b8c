import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ContenderName } from './contenders/index.ts';
import type { Reply, Request } from './messages.ts';

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

/** The process of one contender, on one core where `taskset` (util-linux) is installed. */
export class ContenderProcess {
  readonly #child: ChildProcess;
  #ended: string | undefined;
  #waiting: ((reply: Reply) => void) | undefined;

  /** @param core number of the core that it may use; undefined: all */
  constructor(name: ContenderName, core: number | undefined) {
    const node = [process.execPath, '--expose-gc', CHILD, name];
    const [program = '', ...args] = core === undefined ? node : ['taskset', '-c', String(core), ...node];
    this.#child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
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
    this.#settle({ kind: 'failed', text: this.#ended, hint: null });
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(reply);
  }
}

/** A core to stay on: not the first, which handles most interrupts; undefined without `taskset`. */
export function coreToPin(cores: number): number | undefined {
  const found = spawnSync('taskset', ['--version'], { stdio: 'ignore' });
  return found.status === 0 ? Math.min(1, cores - 1) : undefined;
}
