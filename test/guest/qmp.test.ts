import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { Monitor } from '../../src/guest/qmp.ts';
import { dumpGuest } from '../../src/source/guest.ts';
import { temporary } from './fake-qemu.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const GREETING = { QMP: { version: {}, capabilities: [] } };

interface Command {
  readonly execute: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** A monitor that answers each command with what `answers` has for it, messages or lines. @returns path and commands */
async function serve(answers: (command: Command) => readonly (object | string)[]) {
  const path = join(temporary(), 'qmp');
  const commands: string[] = [];
  const server = createServer((socket) => {
    socket.write(`${JSON.stringify(GREETING)}\n`);
    createInterface({ input: socket }).on('line', (line) => {
      const command: Command = JSON.parse(line);
      commands.push(command.execute);
      const lines = command.execute === 'qmp_capabilities' ? [{ return: {} }] : answers(command);
      for (const one of lines) socket.write(typeof one === 'string' ? one : `${JSON.stringify(one)}\n`);
      if (lines.length === 0) socket.end();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { path, commands };
}

describe('a monitor', () => {
  it('negotiates, and tells answers from events', async () => {
    const event = { event: 'RESUME', data: { a: 1 }, timestamp: {} };
    const { path, commands } = await serve(() => [event, { return: { status: 'running' } }]);
    const monitor = await Monitor.connect(path);
    expect(await monitor.execute('query-status')).toEqual({ status: 'running' });
    expect(await monitor.event('RESUME')).toEqual({ a: 1 });
    expect(commands).toEqual(['qmp_capabilities', 'query-status']);
    monitor.close();
  });

  it('waits for an event that comes later', async () => {
    const { path } = await serve(() => [
      { return: {} },
      { event: 'STOP' },
      { event: 'SHUTDOWN', data: { b: 2 } },
    ]);
    const monitor = await Monitor.connect(path);
    await monitor.execute('system_powerdown');
    expect(await monitor.event('SHUTDOWN')).toEqual({ b: 2 });
    monitor.close();
  });

  it.each<[string, (object | string)[], RegExp]>([
    ['refuses', [{ error: { class: 'CommandNotFound' } }], /QEMU refuses dump: .*CommandNotFound/],
    ['is gone', [], /the connection ended during dump/],
    ['speaks something else', ['hello\n'], /it does not speak QMP/],
  ])('says so when QEMU %s', async (_, answers, message) => {
    const { path } = await serve(() => answers);
    const monitor = await Monitor.connect(path);
    await expect(monitor.execute('dump')).rejects.toMatchObject({
      code: 'MONITOR_FAILED',
      exitCode: 3,
      message: expect.stringMatching(message),
    });
    monitor.close();
  });

  it('waits for a socket as long as it is told to', async () => {
    const path = join(temporary(), 'late');
    await expect(Monitor.connect(path)).rejects.toMatchObject({ code: 'MONITOR_FAILED' });
    const server = createServer((socket) => socket.end(`${JSON.stringify({ return: {} })}\n`));
    servers.push(server);
    setTimeout(() => server.listen(path), 100);
    const monitor = await Monitor.connect(path, 10_000);
    monitor.close();
  });
});

describe('dumping a guest', () => {
  it('leaves stopping and resuming to QEMU, which does both even when this process ends', async () => {
    const path = join(temporary(), 'dump.elf');
    let asked = 0;
    const { path: socket, commands } = await serve(({ execute, arguments: { protocol } }) => {
      if (execute === 'dump-guest-memory') {
        writeFileSync(String(protocol).replace('file:', ''), '');
        return [{ return: {} }];
      }
      const status = asked++ === 0 ? 'active' : 'completed';
      return [{ event: 'DUMP_COMPLETED' }, { return: { status, completed: asked, total: 2 } }];
    });
    const seen: bigint[] = [];
    expect(await dumpGuest(socket, path, ({ done }) => seen.push(done))).toBe(false);
    expect(seen).toEqual([1n]);
    expect(existsSync(path)).toBe(true);
    expect(new Set(commands)).toEqual(new Set(['qmp_capabilities', 'dump-guest-memory', 'query-dump']));
  });

  it('says so when QEMU cannot write the file', async () => {
    const { path: socket } = await serve(({ execute }) =>
      execute === 'query-dump' ? [{ return: { status: 'failed' } }] : [{ return: {} }],
    );
    const path = join(temporary(), 'dump.elf');
    await expect(dumpGuest(socket, path, () => {})).rejects.toMatchObject({
      code: 'DUMP_FAILED',
      exitCode: 3,
    });
  });
});
