import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Monitor } from '../../src/guest/qmp.ts';

// A real QEMU whose guest, the firmware alone, has to go on whatever ends a capture of it.
const PROGRAM = fileURLToPath(new URL('../../bin/khoforge.js', import.meta.url));
const TIMES = Number(process.env.KHOFORGE_KILLS ?? 1);
const SOON = { timeout: 60_000 };

const folder = mkdtempSync(join(tmpdir(), 'khoforge-goes-on-'));
const socket = join(folder, 'qmp');
let qemu: ChildProcess;

beforeAll(async () => {
  const machine = ['-machine', 'q35', '-m', '1024M', '-nodefaults', '-display', 'none'];
  qemu = spawn('qemu-system-x86_64', [...machine, '-qmp', `unix:${socket},server=on,wait=off`], {
    stdio: 'ignore',
  });
  (await Monitor.connect(socket, 60_000)).close();
});

afterAll(() => {
  qemu.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function ask(command: string): Promise<unknown> {
  const monitor = await Monitor.connect(socket, 10_000);
  try {
    return (await monitor.execute(command)).status;
  } finally {
    monitor.close();
  }
}

const left = () => readdirSync(folder).filter((name) => name !== 'qmp');
const dumped = () => left().some((name) => name.startsWith('.out.dump.') && sizeOf(name) > 0);
const sizeOf = (name: string) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;

/** Begins a capture and kills it in the middle of the dump. @returns what it said */
async function interrupt(signal: NodeJS.Signals): Promise<string> {
  const capture = spawn(process.execPath, [PROGRAM, 'capture', '--qmp', socket, '-o', join(folder, 'out')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exit = once(capture, 'exit');
  const said = text(capture.stderr);
  while (!dumped() && capture.exitCode === null) await sleep(2);
  capture.kill(signal);
  const [code, by] = await exit;
  expect({ code, by, said: await said }).toMatchObject({ code: null, by: signal });
  return said;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const;

it.each(SIGNALS)('a guest goes on at once after %s in its dump, of which nothing is left', async (signal) => {
  for (let time = 0; time < TIMES; time++) {
    const said = await interrupt(signal);
    if (signal !== 'SIGKILL')
      expect(said).toMatch(/^note: the guest stood still for \d+\.\d s and goes on$/m);
    await vi.waitFor(async () => expect(await ask('query-status')).toBe('running'), SOON);
    expect(await ask('query-dump')).toBe('failed');
    await vi.waitFor(() => expect(left()).toEqual([]), SOON);
  }
});

it('a guest that was paused before stays so', async () => {
  await ask('stop');
  expect(await interrupt('SIGINT')).toContain("the guest is 'paused', as it was before the dump");
  expect(await ask('query-status')).toBe('paused');
  await ask('cont');
});
