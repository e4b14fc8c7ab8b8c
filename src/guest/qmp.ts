import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { reason } from '../base/files.ts';

/** Longest wait for an answer; QEMU answers a monitor at once, also while it dumps. */
const TIMEOUT = 30_000;

/** A running QEMU by its machine protocol: one JSON object a line, answers in order, events between them. */
export class Monitor {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;
  readonly #path: string;

  private constructor(path: string, socket: Socket) {
    this.#path = path;
    this.#socket = socket;
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  /**
   * @param path unix socket of `-qmp unix:PATH,server=on`
   * @throws KhoforgeError `MONITOR_FAILED` (exit code 3)
   */
  static async connect(path: string): Promise<Monitor> {
    const socket = createConnection(path);
    socket.setTimeout(TIMEOUT, () => socket.destroy(new Error(`no answer within ${TIMEOUT / 1000} s`)));
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', (cause) => reject(failed(path, reason(cause))));
    });
    const monitor = new Monitor(path, socket);
    // An error later ends the lines, and is told there.
    socket.on('error', () => {});
    await monitor.execute('qmp_capabilities');
    return monitor;
  }

  /** @returns what `return` holds @throws KhoforgeError `MONITOR_FAILED` when QEMU refuses, or is gone */
  async execute(command: string, args: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    for (;;) {
      const { done, value } = await this.#lines.next();
      if (done) throw failed(this.#path, `the connection ended during ${command}`);
      const answer = parse(this.#path, value);
      if ('error' in answer)
        throw failed(this.#path, `QEMU refuses ${command}: ${JSON.stringify(answer.error)}`);
      if ('return' in answer) return isRecord(answer.return) ? answer.return : {};
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

function parse(path: string, line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (isRecord(value)) return value;
  } catch {
    // Told below.
  }
  throw failed(path, 'it does not speak QMP');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function failed(path: string, text: string): KhoforgeError {
  return new KhoforgeError('MONITOR_FAILED', `${path}: ${text}`, {
    where: { file: path },
    hint: 'start QEMU with -qmp unix:PATH,server=on,wait=off and give the same PATH',
    exitCode: ExitCode.couldNotRun,
  });
}
