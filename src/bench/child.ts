// The process of one contender. Its parent asks for one thing at a time over the IPC channel.
import { readFileSync, writeFileSync } from 'node:fs';
import { KhoforgeError } from '../base/errors.ts';
import { benchNative } from './addon.ts';
import type { BenchCase } from './cases.ts';
import type { Prepared } from './contender.ts';
import { CONTENDERS, isContender } from './contenders/index.ts';
import type { Reply, Request } from './messages.ts';

/** More than any cache holds: reading it leaves nothing of the input in them. */
const CACHES = 256 * 2 ** 20;

/** Bytes beyond those of the run before that the next one may need. */
const SPARE = 16 * 2 ** 20;

let evictor: Uint8Array | undefined;
/** Bytes that the run before took. */
let taken = 0;
let prepared: Prepared | undefined;

async function answer(request: Request): Promise<Reply> {
  if (request.do === 'prepare') return prepare(request.bench);
  return run(request.checked);
}

async function prepare(bench: BenchCase): Promise<Reply> {
  const name = process.argv[2];
  if (!isContender(name)) throw new Error(`no contender is named ${name}`);
  prepared = await CONTENDERS[name].prepare(bench);
  if (!prepared) return { kind: 'none' };
  evictor = benchNative().hugeBytes(CACHES);
  benchNative().streamWrite(evictor);
  return { kind: 'prepared', folios: prepared.folios };
}

function run(checked: boolean): Reply {
  if (!prepared || !evictor) throw new Error('nothing is prepared');
  // What an earlier run left goes now, not while the clock runs.
  globalThis.gc?.();
  // A virtual machine's memory that nobody uses may be gone until it is touched, which is not what is measured.
  benchNative().useMemory(taken + SPARE);
  benchNative().streamRead(evictor);
  resetPeak();
  const before = memoryOf('VmRSS');
  const start = process.hrtime.bigint();
  const { count, sum } = prepared.run(checked);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  taken = Math.max(0, memoryOf('VmHWM') - before);
  return {
    kind: 'ran',
    seconds,
    count,
    sum: sum === undefined ? null : String(sum),
    resident: taken,
  };
}

/** Makes VmHWM begin anew (Documentation/filesystems/proc.rst, 7.3: clear_refs). */
function resetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Some sandboxes have it read-only: then the peak is that of the process.
  }
}

/** Bytes. */
function memoryOf(key: 'VmRSS' | 'VmHWM'): number {
  const line = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line?.[1] ?? 0) * 1024;
}

process.on('message', (request: Request) => {
  answer(request).then(
    (reply) => process.send?.(reply),
    (error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      const hint = error instanceof KhoforgeError ? (error.hint ?? null) : null;
      process.send?.({ kind: 'failed', text, hint } satisfies Reply);
    },
  );
});
