import { closeSync, constants, openSync } from 'node:fs';
import { KhoforgeError } from '../base/errors.ts';
import { native } from '../memory/native.ts';
import { identity } from './moves.ts';

/** How long another run may need to put its output in place, in ms; and how long all that come before may. */
const PATIENCE = 10_000;
const MAX_PATIENCE = 60_000;
const PAUSE = 20;

/**
 * Locks a folder until the lock is disposed of, or the process ends in whatever way.
 * @returns undefined when somebody else has it
 * @throws Error of open(2), also when it is a link
 */
export function tryLock(folder: string): Disposable | undefined {
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const lock = { [Symbol.dispose]: () => closeSync(descriptor) };
  try {
    if (native().lockFile(descriptor)) return lock;
  } catch {
    return lock; // A file system without locks: then as if there were nobody else.
  }
  closeSync(descriptor);
  return undefined;
}

/**
 * Locks the folder that has this name, while another run puts its own there.
 * @returns undefined when none has it any more
 * @throws KhoforgeError `OUTPUT_BUSY`
 */
export function waitForLock(folder: string): Disposable | undefined {
  const started = performance.now();
  let seen = identity(folder);
  let since = started;
  while (performance.now() - since < PATIENCE && performance.now() - started < MAX_PATIENCE) {
    const before = identity(folder);
    if (before === undefined) return undefined;
    // Another one has put its own there: the wait for the next begins.
    if (before !== seen) since = performance.now();
    seen = before;
    const lock = tryLock(folder);
    if (lock && identity(folder) === before) return lock;
    lock?.[Symbol.dispose]();
    if (!lock) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
  }
  throw new KhoforgeError('OUTPUT_BUSY', `another process holds ${folder} locked`, {
    where: { file: folder },
    hint: 'wait for it, or choose another directory',
  });
}
