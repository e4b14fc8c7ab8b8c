import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { GdbStub } from '../../src/guest/gdb.ts';
import { temporary } from './fake-qemu.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const packet = (text: string) => {
  const sum = [...Buffer.from(text)].reduce((total, byte) => total + byte, 0) % 256;
  return `$${text}#${sum.toString(16).padStart(2, '0')}`;
};

/** A stub that answers each packet with what `answer` says, in pieces. @returns path and packets, checksums checked */
async function serve(answer: (text: string) => string | undefined) {
  const path = join(temporary(), 'gdb');
  const texts: string[] = [];
  const server = createServer((socket) => {
    let rest = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      rest += chunk;
      for (let found = /\$([^#]*)#../.exec(rest); found; found = /\$([^#]*)#../.exec(rest)) {
        const [whole, text = ''] = found;
        rest = rest.slice(found.index + whole.length);
        texts.push(whole === packet(text) ? text : `${whole} has a wrong checksum`);
        const reply = answer(text);
        if (reply === undefined) return socket.end();
        for (const piece of `+${packet(reply)}`.match(/.{1,3}/g) ?? []) socket.write(piece);
      }
      return undefined;
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { path, texts };
}

describe('a gdb stub', () => {
  it('runs to an address, on from there to another, and lets go', async () => {
    const { path, texts } = await serve((text) => (/^[zZ]/.test(text) ? 'OK' : 'T05thread:01;'));
    const stub = await GdbStub.connect(path, 1000);
    await stub.runTo(0xffffffff81042a10n);
    await stub.runTo(0x1000n);
    stub.detach();
    const wanted = [
      'Z1,ffffffff81042a10,1',
      'c',
      // A breakpoint would hold the guest where it stands.
      'z1,ffffffff81042a10,1',
      's',
      'Z1,1000,1',
      'c',
      'z1,1000,1',
      'D',
    ];
    await expect.poll(() => texts).toEqual(wanted);
  });

  it('says where none is', async () => {
    const path = join(temporary(), 'nowhere');
    await expect(GdbStub.connect(path, 0)).rejects.toMatchObject({ code: 'GDB_FAILED', exitCode: 3 });
  });

  it.each([
    ['refuses', 'E22', "QEMU's gdb stub answers 'E22' to 'Z1,1000,1'"],
    ['is gone', undefined, "QEMU's gdb stub answers nothing to 'Z1,1000,1'"],
  ])('says so when it %s', async (_, answer, message) => {
    const { path } = await serve(() => answer);
    const stub = await GdbStub.connect(path, 1000);
    await expect(stub.runTo(0x1000n)).rejects.toMatchObject({ code: 'GDB_FAILED', exitCode: 3, message });
  });
});
