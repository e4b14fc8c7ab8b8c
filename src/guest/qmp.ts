import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { reason } from '../base/files.ts';
import { native } from '../memory/native.ts';
import { connectSocket, descriptorOf } from './socket.ts';

/** Milliseconds for an answer; QEMU answers a monitor at once, also while it dumps. */
const ANSWER_TIMEOUT = 30_000;

type Message = Record<string, unknown>;

/** A running QEMU by its machine protocol: one JSON object a line, answers in order, events between them. */
export class Monitor {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;
  readonly #path: string;
  /** Events that nobody has waited for yet. */
  readonly #events: Message[] = [];

  private constructor(path: string, socket: Socket) {
    this.#path = path;
    this.#socket = socket.on('timeout', () => this.close());
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  /**
   * @param path unix socket of `-qmp unix:PATH,server=on`
   * @param patience milliseconds to wait for a QEMU that was just started
   * @throws KhoforgeError `MONITOR_FAILED` (exit code 3)
   */
  static async connect(path: string, patience = 0): Promise<Monitor> {
    const socket = await connectSocket(path, patience).catch((cause) => {
      throw failed(path, reason(cause));
    });
    const monitor = new Monitor(path, socket);
    try {
      await monitor.execute('qmp_capabilities');
      return monitor;
    } catch (error) {
      monitor.close();
      throw error;
    }
  }

  /** @returns what `return` holds @throws KhoforgeError `MONITOR_FAILED` when QEMU refuses, or is gone */
  execute(command: string, args: Message = {}): Promise<Message> {
    this.#socket.write(request(command, args));
    return this.#answer(command);
  }

  /**
   * Gives QEMU the writing end of a new pipe, under a name that is its own for `fd:NAME`. Only QEMU has it: when QEMU
   * closes it the pipe ends, and when the reading end is closed, by the end of this process too, QEMU can write no more.
   * @returns descriptor of the reading end, the caller's to close
   * @throws KhoforgeError `MONITOR_FAILED`
   */
  async givePipe(name: string): Promise<number> {
    const reading = this.#sendPipe(Buffer.from(request('getfd', { fdname: name })));
    try {
      await this.#answer('getfd');
      return reading;
    } catch (error) {
      closeSync(reading);
      throw error;
    }
  }

  #sendPipe(message: Uint8Array): number {
    try {
      return native().sendPipe(descriptorOf(this.#socket), message);
    } catch (cause) {
      throw cause instanceof KhoforgeError ? cause : failed(this.#path, reason(cause));
    }
  }

  async #answer(command: string): Promise<Message> {
    this.#socket.setTimeout(ANSWER_TIMEOUT);
    for (;;) {
      const answer = await this.#next(command);
      if ('event' in answer) this.#events.push(answer);
      if ('error' in answer) {
        throw failed(this.#path, `QEMU refuses ${command}: ${JSON.stringify(answer.error)}`);
      }
      if (!('return' in answer)) continue;
      this.#socket.setTimeout(0);
      return isMessage(answer.return) ? answer.return : {};
    }
  }

  /** Waits for an event, as long as it takes. @returns its data @throws KhoforgeError `MONITOR_FAILED` */
  async event(name: string): Promise<Message> {
    for (;;) {
      const event = this.#events.shift() ?? (await this.#next(`the wait for ${name}`));
      if (event.event === name) return isMessage(event.data) ? event.data : {};
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  async #next(during: string): Promise<Message> {
    const { done, value } = await this.#lines.next();
    if (done) throw failed(this.#path, `the connection ended during ${during}`);
    return parse(this.#path, value);
  }
}

const request = (command: string, args: Message): string =>
  `${JSON.stringify({ execute: command, arguments: args })}\n`;

function parse(path: string, line: string): Message {
  try {
    const value: unknown = JSON.parse(line);
    if (isMessage(value)) return value;
  } catch {
    // The error follows.
  }
  throw failed(path, 'it does not speak QMP');
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null;
}

function failed(path: string, text: string): KhoforgeError {
  return new KhoforgeError('MONITOR_FAILED', `${path}: ${text}`, {
    where: { file: path },
    hint: 'start QEMU with -qmp unix:PATH,server=on,wait=off and give the same PATH',
    exitCode: ExitCode.couldNotRun,
  });
}
