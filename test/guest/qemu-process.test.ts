import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RunEnd, RunEvent } from '../../src/guest/events.ts';
import { type RunOptions, runQemu, withQemu } from '../../src/guest/qemu-process.ts';
import { busyLoop, occupyProcessor } from './busy.ts';
import { fakeQemu, temporary } from './fake-qemu.ts';

interface Outcome {
  end: RunEnd;
  events: RunEvent[];
  lines: string[];
  log: string;
}

async function run(argv: string[], options: Partial<RunOptions> = {}): Promise<Outcome> {
  const logPath = join(temporary(), 'console.log');
  const events: RunEvent[] = [];
  const end = await runQemu({
    argv,
    accel: 'tcg',
    logPath,
    timeout: 60,
    silence: 60,
    ...options,
    onEvent(event) {
      events.push(event);
      options.onEvent?.(event);
    },
  });
  const lines = events.flatMap((event) => (event.type === 'line' ? [event.text] : []));
  return { end, events, lines, log: logPath };
}

/** For `waitFor`, whose own limit is a second: on a busy machine a process that was killed ends later. */
const ENDS = { timeout: 600_000 };
const pause = (milliseconds: number) =>
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);

const isAlive = (pid: number): boolean => {
  try {
    // A process that only waits to be reaped is dead (Documentation/filesystems/proc.rst: status).
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

afterEach(() => {
  vi.useRealTimers();
});

describe('runQemu', () => {
  it('gives a start, the lines as they are, and an end', async () => {
    const { end, events, log } = await run(fakeQemu('exit', 'one\r\ntwo\r\nno end'));
    expect(end).toEqual({ kind: 'exit' });
    expect(events.map(({ type }) => type)).toEqual(['start', 'line', 'line', 'line', 'end']);
    expect(events[0]).toMatchObject({ accel: 'tcg', argv: expect.arrayContaining(['exit']) });
    expect(events[3]).toMatchObject({ text: 'no end' });
    expect(readFileSync(log, 'latin1')).toBe('one\r\ntwo\r\nno end');
  });

  it('keeps every byte of the console in the log, text or not', async () => {
    const { log } = await run(fakeQemu('exit', '\u0000\u0001\ufffd\u001b[0m\n'));
    expect(readFileSync(log, 'utf8')).toBe('\u0000\u0001\ufffd\u001b[0m\n');
  });

  it('loses nothing of the console while this process is busy', async () => {
    const text = Array.from({ length: 40_000 }, (_, i) => `line ${i}\n`).join('');
    const { end, lines } = await run(fakeQemu('nonblocking', text), {
      // 300 ms in which nothing is read, once the console is there.
      onEvent: ({ type }) => type === 'start' && setImmediate(() => pause(300)),
    });
    expect(end).toEqual({ kind: 'exit' });
    expect(lines).toHaveLength(40_000);
    expect(lines.at(-1)).toBe('line 39999');
  });

  it('passes arguments without a shell', async () => {
    const { lines } = await run([...fakeQemu('arguments'), 'a b', '$(id)', "'", '']);
    expect(lines).toEqual(['<a b>', '<$(id)>', "<'>", '<>']);
  });

  it('ends a silent run', async () => {
    const { end } = await run(fakeQemu('hang'), { silence: 0.05 });
    expect(end).toEqual({ kind: 'silence', seconds: 0.05 });
  });

  it.each(['busy', 'hang'] as const)('ends a guest that says nothing more: %s', async (mode) => {
    const { end, lines } = await run(fakeQemu(mode, 'hello\n'), { stall: 0.3 });
    expect(end).toEqual({ kind: 'stalled', seconds: 0.3 });
    expect(lines).toEqual(['hello']);
  });

  it('ends a run that goes on for too long, but not for silence once it has spoken', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { end, lines } = await run(fakeQemu('hang', 'Linux version 7.3.4\r\n'), {
      silence: 10,
      timeout: 30,
      onEvent(event) {
        if (event.type === 'line') vi.advanceTimersByTime(30_000);
      },
    });
    expect(lines).toEqual(['Linux version 7.3.4']);
    expect(end).toEqual({ kind: 'timeout', seconds: 30 });
  });

  it('blames the host for a run that got no processor', async () => {
    occupyProcessor(19);
    const { end } = await run(busyLoop(), { timeout: 0.3 });
    expect(end).toMatchObject({ kind: 'slow' });
  });

  it('ends a run that floods the console, and keeps no more than the limit and one piece', async () => {
    const { end, log } = await run(fakeQemu('flood'), { maxBytes: 100_000 });
    expect(end).toEqual({ kind: 'flood', bytes: 100_000 });
    expect(statSync(log).size).toBeLessThan(100_000 + (1 << 20));
  });

  it.each([
    '---[ end Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000000 ]---',
    'reboot: Power off not available: System halted instead',
    'PANIC: early exception 0x0d IP 10:ffffffff8108c1d6 error 0 cr2 0xffff888000000413',
  ])('ends after %j', async (line) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { end } = await run(fakeQemu('hang', `[    1.000000] ${line}\r\n`), {
      // Once the line has been dealt with: QEMU gets a second to end by itself.
      onEvent: ({ type }) => type === 'line' && setImmediate(() => vi.advanceTimersByTime(1000)),
    });
    expect(end).toEqual({ kind: 'stopped', line });
  });

  it('ends after a text of the caller', async () => {
    const { end } = await run(fakeQemu('hang', 'TEST PASSED\r\n'), { stopLines: ['PASSED'] });
    expect(end).toEqual({ kind: 'stopped', line: 'TEST PASSED' });
  });

  it('tells a failure of QEMU itself, with what it said', async () => {
    expect((await run(fakeQemu('fail'))).end).toEqual({
      kind: 'failed',
      status: 'exit status 1',
      stderr: "qemu-system-x86_64: -m banana: Parameter 'size' expects a non-negative number",
    });
    expect((await run(fakeQemu('crash', 'Linux\n'))).end).toMatchObject({
      kind: 'failed',
      status: 'SIGABRT',
    });
  });

  it('says what to install when there is no QEMU', async () => {
    await expect(run(['/nonexistent/qemu-system-x86_64'])).rejects.toMatchObject({
      code: 'QEMU_MISSING',
      exitCode: 3,
      hint: 'apt-get install -y qemu-system-x86',
    });
  });

  it('says when the log cannot be written, before anything runs', async () => {
    await expect(run(fakeQemu('exit'), { logPath: '/proc/no/console.log' })).rejects.toMatchObject({
      code: 'LOG_UNWRITABLE',
    });
  });

  it('accepts no log that it cannot read back', async () => {
    await expect(run(fakeQemu('exit'), { logPath: '/dev/null' })).rejects.toMatchObject({
      code: 'LOG_UNWRITABLE',
      message: 'the console log /dev/null is no regular file',
    });
  });

  it('kills the whole process group on abort', async () => {
    const abort = new AbortController();
    const { end, lines } = await run(fakeQemu('family'), {
      signal: abort.signal,
      onEvent(event) {
        if (event.type === 'line') abort.abort();
      },
    });
    expect(end).toEqual({ kind: 'aborted' });
    const pid = Number(lines[0]?.replace('child ', ''));
    expect(pid).toBeGreaterThan(1);
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), ENDS);
  });

  it('does not start something that is aborted already', async () => {
    const { end } = await run(fakeQemu('hang'), { signal: AbortSignal.abort() });
    expect(end).toEqual({ kind: 'aborted' });
  });

  it('dies with its parent, and leaves no listener behind', async () => {
    const before = process.listenerCount('SIGHUP');
    const keepAlive = () => {};
    process.on('SIGHUP', keepAlive);
    const { end, lines } = await run(fakeQemu('family'), {
      onEvent(event) {
        if (event.type === 'line') process.emit('SIGHUP');
      },
    });
    process.off('SIGHUP', keepAlive);
    expect(end).toEqual({ kind: 'aborted' });
    await vi.waitFor(() => expect(isAlive(Number(lines[0]?.replace('child ', '')))).toBe(false), ENDS);
    expect(process.listenerCount('SIGHUP')).toBe(before);
  });
});

describe('withQemu', () => {
  const options = () => ({ accel: 'tcg', logPath: join(temporary(), 'console.log'), timeout: 60 }) as const;

  it('kills QEMU when its user is done, or fails', async () => {
    const work = async (fail: boolean) => {
      let end: Promise<RunEnd> | undefined;
      const used = withQemu({ ...options(), argv: fakeQemu('hang') }, async ({ ended }) => {
        end = ended;
        if (fail) throw new Error('enough');
        return 'done';
      });
      return { used: await used.catch(String), end: await end };
    };
    const killed = { kind: 'failed', status: 'SIGKILL' };
    expect(await work(false)).toMatchObject({ used: 'done', end: killed });
    expect(await work(true)).toMatchObject({ used: 'Error: enough', end: killed });
  });

  it('ends a wait when QEMU fails, with what QEMU said', async () => {
    const forever = new Promise<never>(() => {});
    const used = withQemu({ ...options(), argv: fakeQemu('fail') }, (qemu) => qemu.during(forever));
    await expect(used).rejects.toMatchObject({
      code: 'QEMU_FAILED',
      message: expect.stringContaining(
        "failed (exit status 1): qemu-system-x86_64: -m banana: Parameter 'size'",
      ),
    });
  });
});
