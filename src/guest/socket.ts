import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const RETRY_PERIOD = 50;

/**
 * Connects to a unix socket of QEMU's.
 * @param patience milliseconds to wait for a QEMU that was just started to make it
 * @throws Error of the last attempt
 */
export async function connectSocket(path: string, patience = 0): Promise<Socket> {
  for (let left = patience; ; left -= RETRY_PERIOD) {
    const socket = createConnection(path);
    const failure = await new Promise<Error | undefined>((resolve) => {
      socket.once('connect', () => resolve(undefined)).once('error', resolve);
    });
    // An error later ends what is read from the socket.
    if (failure === undefined) return socket.on('error', () => {});
    if (left <= 0) throw failure;
    await sleep(RETRY_PERIOD);
  }
}

/**
 * The descriptor of a connected socket, which Node has but does not document.
 * @throws Error when this Node has none
 */
export function descriptorOf(socket: Socket): number {
  const handle: unknown = '_handle' in socket ? socket._handle : undefined;
  if (typeof handle === 'object' && handle !== null && 'fd' in handle && typeof handle.fd === 'number') {
    return handle.fd;
  }
  throw new Error(`Node ${process.version} does not tell the descriptor of a socket`);
}
