import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));

/** What is over after as long hangs. */
const HANGS = 120_000;

/** So that what one command leaves in memory is not counted as the next one's for long. */
const COMMANDS_EACH = 200;

export interface Outcome {
  readonly args: readonly string[];
  /** Exit code; or how the process ended instead. */
  readonly code: number | string;
  /** All that was written to stdout and stderr. */
  readonly said: string;
  /** Of processor time, which does not depend on what else the machine does. */
  readonly milliseconds: number;
  /** Resident memory beside what the process had before. */
  readonly mebibytes: number;
}

/** Command lines in a process of their own, which they cannot hurt anybody from. */
export class Runner {
  #child: ChildProcess | undefined;
  #commands = 0;

  async run(args: readonly string[], cwd: string): Promise<Outcome> {
    if (this.#commands++ % COMMANDS_EACH === 0) this.close();
    this.#child ??= await begin();
    const child = this.#child;
    const ended = new AbortController();
    const timer = setTimeout(() => child.kill('SIGKILL'), HANGS);
    try {
      const answer = once(child, 'message', ended).then(([message]) => message as Omit<Outcome, 'args'>);
      const end = once(child, 'exit', ended).then(([code, signal]) => `ended: ${signal ?? code}`);
      child.send({ args, cwd });
      const result = await Promise.race([answer, end]);
      if (typeof result !== 'string') return { args, ...result };
      this.#child = undefined;
      return { args, code: result, said: '', milliseconds: 0, mebibytes: 0 };
    } finally {
      clearTimeout(timer);
      ended.abort();
    }
  }

  close(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}

async function begin(): Promise<ChildProcess> {
  const child = fork(CHILD, { execArgv: ['--expose-gc'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await once(child, 'message');
  return child;
}
