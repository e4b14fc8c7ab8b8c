import type { Socket } from 'node:net';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { reason } from '../base/files.ts';
import { connectSocket } from './socket.ts';

/** What is used of the GDB remote protocol to run to an address: `$TEXT#CHECKSUM`, answered by `+` and such a packet. */
export class GdbStub {
  readonly #socket: Socket;
  readonly #packets: AsyncIterator<string>;
  #breakpoint: bigint | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#packets = packets(socket);
  }

  /**
   * @param path of `-gdb unix:PATH,server=on`
   * @param patience milliseconds to wait for a QEMU that was just started
   * @throws KhoforgeError `GDB_FAILED` (exit code 3)
   */
  static async connect(path: string, patience: number): Promise<GdbStub> {
    const socket = await connectSocket(path, patience).catch((cause) => {
      throw failed(`${path}: ${reason(cause)}`);
    });
    return new GdbStub(socket);
  }

  /** Lets the guest run until it is about to execute the instruction there. @throws KhoforgeError `GDB_FAILED` */
  async runTo(address: bigint): Promise<void> {
    if (this.#breakpoint !== undefined) await this.#leave(this.#breakpoint);
    this.#breakpoint = address;
    await this.#ask(hardwareBreakpoint('Z', address), /^OK$/);
    await this.#ask('c', /^T05/);
  }

  /** Removes the breakpoint and lets the guest run. */
  detach(): void {
    if (this.#breakpoint !== undefined) this.#send(hardwareBreakpoint('z', this.#breakpoint));
    this.#send('D');
  }

  /** Off the instruction that the guest stands at. */
  async #leave(address: bigint): Promise<void> {
    await this.#ask(hardwareBreakpoint('z', address), /^OK$/);
    await this.#ask('s', /^T05/);
  }

  async #ask(text: string, wanted: RegExp): Promise<void> {
    this.#send(text);
    const { done, value } = await this.#packets.next();
    if (!done && wanted.test(value)) return;
    const answer = done ? 'nothing' : `'${value}'`;
    throw failed(`QEMU's gdb stub answers ${answer} to '${text}'`);
  }

  #send(text: string): void {
    const sum = [...Buffer.from(text)].reduce((total, byte) => (total + byte) & 0xff, 0);
    this.#socket.write(`$${text}#${sum.toString(16).padStart(2, '0')}`);
  }
}

/** `Z` sets it, `z` removes it; in hex, without 0x. */
const hardwareBreakpoint = (what: 'Z' | 'z', address: bigint) => `${what}1,${address.toString(16)},1`;

async function* packets(socket: Socket): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of socket.setEncoding('latin1')) {
    rest += chunk;
    for (let found = PACKET.exec(rest); found; found = PACKET.exec(rest)) {
      rest = rest.slice(found.index + found[0].length);
      socket.write('+');
      yield found[1] ?? '';
    }
  }
}

const PACKET = /\$([^#]*)#../;

function failed(text: string): KhoforgeError {
  return new KhoforgeError('GDB_FAILED', text, {
    hint: 'an address has to be of the very kernel that runs',
    exitCode: ExitCode.couldNotRun,
  });
}
