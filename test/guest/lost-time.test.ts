import { spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lostSeconds, startLimit } from '../../src/guest/lost-time.ts';
import { busyLoop, occupyProcessor } from './busy.ts';

describe('lostSeconds', () => {
  it('is what a process has waited for a processor', async () => {
    occupyProcessor(3);
    const [program = '', ...args] = busyLoop();
    const child = spawn(program, args, { detached: true, stdio: 'ignore' });
    try {
      await vi.waitFor(() => expect(lostSeconds(child.pid ?? 0)).toBeGreaterThan(0.2), { timeout: 60_000 });
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('is nothing of a process that sleeps, or is gone', async () => {
    const child = spawn('true');
    await new Promise((resolve) => child.once('close', resolve));
    expect(lostSeconds(child.pid ?? 0)).toBe(0);
    const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(lostSeconds(sleeper.pid ?? 0)).toBeLessThan(0.3);
    sleeper.kill('SIGKILL');
  });
});

describe('startLimit', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** Runs a limit of 10 s to its end, on a host that takes a share of every second. */
  function run(share: number): { seconds: number; slow: boolean | undefined } {
    const start = Date.now();
    const elapsed = () => (Date.now() - start) / 1000;
    let slow: boolean | undefined;
    let seconds = 0;
    startLimit(
      10,
      () => elapsed() * share,
      (isSlow) => {
        slow = isSlow;
        seconds = elapsed();
      },
    );
    vi.advanceTimersByTime(600_000);
    return { seconds, slow };
  }

  it('is the time that was asked for on a host with time', () => {
    expect(run(0)).toEqual({ seconds: 10, slow: false });
  });

  it('grants again what the host took', () => {
    const { seconds, slow } = run(0.5);
    expect(seconds).toBeGreaterThan(19);
    expect(seconds).toBeLessThanOrEqual(20);
    expect(slow).toBe(false);
  });

  it('ends all the same on a host that has no time at all, and says so', () => {
    const { seconds, slow } = run(0.99);
    expect(seconds).toBeGreaterThan(48);
    expect(seconds).toBeLessThanOrEqual(50);
    expect(slow).toBe(true);
  });

  it('can be cancelled', () => {
    const onEnd = vi.fn();
    startLimit(10, () => 0, onEnd).cancel();
    vi.advanceTimersByTime(60_000);
    expect(onEnd).not.toHaveBeenCalled();
  });

  it('can be cancelled while it grants time', () => {
    const onEnd = vi.fn();
    const limit = startLimit(10, () => 5, onEnd);
    vi.advanceTimersByTime(12_000);
    limit.cancel();
    vi.advanceTimersByTime(60_000);
    expect(onEnd).not.toHaveBeenCalled();
  });
});
