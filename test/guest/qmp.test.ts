import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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

/** What QEMU does at a dump, as far as it went; it writes to the pipe, which a server of Node cannot. */
function dumping(end: object, status: string, refusal?: object) {
  const known: Readonly<Record<string, object[]>> = {
    'dump-guest-memory': refusal ? [refusal] : [{ return: {} }, { event: 'DUMP_COMPLETED', data: end }],
    'query-status': [{ return: { status, running: status === 'running' } }],
  };
  return ({ execute }: Command) => known[execute] ?? [{ return: {} }];
}

describe('dumping a guest', () => {
  const path = () => join(temporary(), 'dump.elf');

  it('gives QEMU a pipe, and leaves stopping and resuming to it', async () => {
    const { path: socket, commands } = await serve(dumping({ result: {} }, 'running'));
    const dump = path();
    const said: string[] = [];
    await dumpGuest(socket, dump, { onGuest: (text) => said.push(text) });
    expect(statSync(dump).mode & 0o777).toBe(0o600);
    expect(said).toEqual([expect.stringMatching(/^the guest stood still for \d+\.\d s and goes on$/)]);
    const used = [
      ...['qmp_capabilities', 'query-status', 'getfd', 'dump-guest-memory'],
      ...['query-dump', 'query-status'],
    ];
    expect(commands).toEqual(used);
  });

  it('says that a guest was paused before', async () => {
    const { path: socket } = await serve(dumping({ result: {} }, 'paused'));
    const said: string[] = [];
    await dumpGuest(socket, path(), { onGuest: (text) => said.push(text) });
    expect(said).toEqual(["the guest is 'paused', as it was before the dump"]);
  });

  it('leaves no file when QEMU fails, and says why', async () => {
    const { path: socket } = await serve(dumping({ error: 'dump: no' }, 'running'));
    const dump = path();
    const said: string[] = [];
    await expect(dumpGuest(socket, dump, { onGuest: (text) => said.push(text) })).rejects.toMatchObject({
      code: 'DUMP_FAILED',
      message: expect.stringContaining('dump: no'),
      exitCode: 3,
    });
    expect(existsSync(dump)).toBe(false);
    expect(said).toHaveLength(1);
  });

  it('does not wait for a dump that QEMU refuses', async () => {
    const refusal = { error: { desc: 'There is a dump in process, please wait.' } };
    const { path: socket, commands } = await serve(dumping({}, 'running', refusal));
    await expect(dumpGuest(socket, path())).rejects.toMatchObject({
      code: 'MONITOR_FAILED',
      message: expect.stringContaining('please wait'),
    });
    expect(commands.at(-1)).toBe('closefd');
  });

  it('never writes into a file that is there', async () => {
    const { path: socket, commands } = await serve(dumping({}, 'running'));
    const dump = path();
    writeFileSync(dump, 'mine');
    await expect(dumpGuest(socket, dump)).rejects.toMatchObject({ code: 'OUTPUT_FAILED', exitCode: 3 });
    expect(readFileSync(dump, 'utf8')).toBe('mine');
    expect(commands).toEqual(['qmp_capabilities']);
  });
});
