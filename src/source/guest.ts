import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { readElfCore } from '../formats/elf-core.ts';
import { MappedFile } from '../formats/mapped-file.ts';
import { Monitor } from '../guest/qmp.ts';

export interface DumpProgress {
  /** Bytes. */
  readonly done: bigint;
  readonly total: bigint;
}

/**
 * Dumps the memory of a running QEMU guest into `path`, an ELF core. QEMU itself stops the guest meanwhile and resumes
 * it (dump/dump.c: dump_init(), dump_cleanup(), 7.2), whatever becomes of this process. A whole dump that an
 * interrupted run left there is used instead.
 * @param socket unix socket of QEMU's machine protocol
 * @returns whether there was one
 * @throws KhoforgeError `MONITOR_FAILED`, `DUMP_FAILED` (exit code 3)
 */
export async function dumpGuest(
  socket: string,
  path: string,
  onProgress: (progress: DumpProgress) => void,
): Promise<boolean> {
  if (isWholeDump(path)) return true;
  const monitor = await Monitor.connect(socket);
  try {
    await monitor.execute('dump-guest-memory', { paging: false, protocol: `file:${path}`, detach: true });
    await finished(monitor, path, onProgress);
  } finally {
    monitor.close();
  }
  return false;
}

async function finished(monitor: Monitor, path: string, onProgress: (progress: DumpProgress) => void) {
  for (;;) {
    const { status, completed, total } = await monitor.execute('query-dump');
    if (status === 'completed') return;
    if (status === 'failed' || status === 'none') {
      throw new KhoforgeError('DUMP_FAILED', `QEMU could not dump the guest into ${path}`, {
        where: { file: path },
        hint: 'QEMU itself writes the file: its user needs the right to, and the disk the room of the guest',
        exitCode: ExitCode.couldNotRun,
      });
    }
    if (typeof completed === 'number' && typeof total === 'number') {
      onProgress({ done: BigInt(completed), total: BigInt(total) });
    }
    await sleep(50);
  }
}

/** QEMU writes the headers first, so that a dump without an end is told by them. */
function isWholeDump(path: string): boolean {
  if (!existsSync(path)) return false;
  const file = new MappedFile(path);
  try {
    const { segments, notes } = readElfCore(file);
    return segments.length > 0 && notes.every(({ code }) => !/TRUNCATED/.test(code));
  } catch (error) {
    if (error instanceof KhoforgeError) return false;
    throw error;
  } finally {
    file.close();
  }
}
