import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { runTool } from './tools.ts';

const SOURCE = fileURLToPath(new URL('libfdt_oracle.c', import.meta.url));

/**
 * libfdt itself, in one process for many call sequences. What it answers is not our own code: see libfdt_oracle.c for
 * the calls. Start it in beforeAll and stop it in afterAll.
 */
export class LibfdtOracle {
  readonly #directory: string;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  #stderr = '';

  private constructor(directory: string, program: string) {
    this.#directory = directory;
    this.#process = spawn(program);
    this.#process.stderr.on('data', (text: Buffer) => {
      this.#stderr += text.toString();
    });
    // A broken pipe says less than the missing answer, which ask() reports.
    this.#process.stdin.on('error', () => undefined);
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  static async start(): Promise<LibfdtOracle> {
    const directory = await mkdtemp(join(tmpdir(), 'khoforge-libfdt-'));
    try {
      return new LibfdtOracle(directory, compile(join(directory, 'libfdt_oracle')));
    } catch (error) {
      await rm(directory, { recursive: true });
      throw error;
    }
  }

  /** @returns one answer per line; all lines are written before the first answer is read */
  async ask(lines: readonly string[]): Promise<string[]> {
    this.#process.stdin.write(lines.map((line) => `${line}\n`).join(''));
    const answers: string[] = [];
    for (const line of lines) {
      const { value, done } = await this.#answers.next();
      if (done === true) throw new Error(`the libfdt oracle died at '${line}': ${this.#stderr}`);
      answers.push(value);
    }
    return answers;
  }

  async stop(): Promise<void> {
    const running = this.#process.exitCode === null && this.#process.signalCode === null;
    const exit = running ? once(this.#process, 'exit') : undefined;
    this.#process.stdin.end();
    await exit;
    await rm(this.#directory, { recursive: true });
  }
}

function compile(program: string): string {
  const args = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-O1', '-o', program, SOURCE, '-lfdt'];
  const { status, stderr } = runTool('cc', args);
  if (status === 0) return program;
  throw new Error(`cannot build the libfdt oracle: apt-get install libfdt-dev gcc libc6-dev\n${stderr}`);
}

/** An argument for the oracle: a name is one byte per character. */
export function oracleHex(bytes: Uint8Array | string): string {
  const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
  return buffer.toString('hex') || '-';
}
