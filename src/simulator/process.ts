import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ClaimedChildren,
  claimChildren,
  type TemporaryFolder,
  temporaryFolder,
} from '../base/cleanup.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';

/** How a simulated kernel ended (src/simulator/stub/serve.c). */
export const ENDS = ['booted', 'died', 'hung', 'sanitizer', 'lost'] as const;
export type End = (typeof ENDS)[number];

export interface Answer {
  readonly end: End;
  /** Its console, and what sanitizers say. */
  readonly console: Buffer;
  /** Where blocks that ran begin, where it was compiled to tell: the address behind the call there, as linked. */
  readonly ran: readonly number[];
}

/** Processes of one compiled simulator, each of which answers one request after the other. */
export class SimulatorPool implements Disposable {
  readonly #folder: TemporaryFolder;
  readonly #children: ClaimedChildren;
  readonly #program: string;
  readonly #idle: Worker[] = [];
  readonly #all: Worker[] = [];

  /** @throws KhoforgeError of temporaryFolder() */
  constructor(program: Uint8Array) {
    this.#folder = temporaryFolder('simulator');
    this.#children = claimChildren();
    this.#program = join(this.#folder.path, 'simulator');
    writeFileSync(this.#program, program);
    chmodSync(this.#program, 0o700);
  }

  /** @throws KhoforgeError `SIMULATOR_FAILED` (could not run) */
  async ask(request: Buffer): Promise<Answer> {
    const worker = this.#idle.pop() ?? this.#start();
    const answer = await worker.ask(request);
    this.#idle.push(worker);
    return answer;
  }

  #start(): Worker {
    const worker = new Worker(spawn(this.#program, { env: this.#children.env, stdio: 'pipe' }));
    this.#all.push(worker);
    return worker;
  }

  [Symbol.dispose](): void {
    for (const worker of this.#all) worker.end();
    this.#children.release();
    this.#folder[Symbol.dispose]();
  }
}

/** Bytes of one. */
const ADDRESS = 4;

class Worker {
  readonly #child: ChildProcess;
  #bytes: Buffer[] = [];
  #why: string | undefined;
  #wake: () => void = () => undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', (bytes: Buffer) => {
      this.#bytes.push(bytes);
      this.#wake();
    });
    const fail = (why: string) => {
      this.#why ??= why;
      this.#wake();
    };
    child.stdin?.on('error', (error) => fail(error.message));
    child.on('error', (error) => fail(error.message));
    child.on('close', (status, signal) => fail(`it ended with ${signal ?? status}`));
  }

  async ask(request: Buffer): Promise<Answer> {
    const { stdin } = this.#child;
    if (stdin?.write(request) === false && this.#why === undefined)
      await Promise.race([once(stdin, 'drain'), this.#woken()]);
    for (;;) {
      const answer = this.#answer();
      if (answer) return answer;
      if (this.#why !== undefined) throw failed(this.#why);
      await this.#woken();
    }
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #answer(): Answer | undefined {
    const all = Buffer.concat(this.#bytes);
    const line = all.indexOf('\n');
    const [word = '', size = '', blocks = ''] = all
      .subarray(0, Math.max(0, line))
      .toString('latin1')
      .split(' ');
    const end = ENDS.find((one) => one === word);
    const said = line + 1 + Number(size);
    const last = said + Number(blocks) * ADDRESS;
    if (line < 0 || !end || all.length < last) {
      this.#bytes = [all];
      return undefined;
    }
    this.#bytes = [all.subarray(last)];
    const ran = Array.from({ length: Number(blocks) }, (_, i) => all.readUInt32LE(said + i * ADDRESS));
    return { end, console: Buffer.from(all.subarray(line + 1, said)), ran };
  }
}

function failed(why: string): KhoforgeError {
  return new KhoforgeError('SIMULATOR_FAILED', `the simulator failed: ${why}`, {
    exitCode: ExitCode.couldNotRun,
  });
}
