import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { claimChildren } from '../../src/base/cleanup.ts';

/** The first processor that this process may use, which is all that these have. */
const [ONE_PROCESSOR = '0'] =
  /^Cpus_allowed_list:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.slice(1) ?? [];

/** A command that wants that processor for ever. */
export const busyLoop = (): string[] => ['taskset', '-c', ONE_PROCESSOR, 'sh', '-c', 'while :; do :; done'];

/**
 * Lets that processor be wanted so many times until the test ends. Each is a session: a host may share its time out
 * between sessions, not processes.
 */
export function occupyProcessor(times: number): void {
  const [program = '', ...args] = busyLoop();
  // They end with this process as well, whatever ends that.
  const { env, release } = claimChildren();
  onTestFinished(release);
  for (let i = 0; i < times; i++) {
    const child = spawn(program, args, { detached: true, stdio: 'ignore', env });
    onTestFinished(() => void child.kill('SIGKILL'));
  }
}
