import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { claimChildren } from '../base/cleanup.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { reason } from '../base/files.ts';

/** Bytes of its messages that are kept. */
const MAX_STDERR = 4096;

/**
 * The rows of a program's line table, as binutils' readelf prints them, one by one: that of a kernel has millions.
 * @throws KhoforgeError `READELF_MISSING`, `READELF_FAILED` (could not run)
 */
export async function* lineTableRows(file: string): AsyncGenerator<string> {
  using children = claimChildren({ PATH: process.env.PATH, LC_ALL: 'C' });
  const child = spawn('readelf', ['--wide', '--debug-dump=decodedline', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: children.env,
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(0, MAX_STDERR);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  ended.catch(() => {}); // it is waited for below
  try {
    yield* createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY });
    if ((await ended) !== 0) throw failed(file, said);
  } catch (cause) {
    if (cause instanceof KhoforgeError) throw cause;
    throw new KhoforgeError('READELF_MISSING', `cannot run readelf: ${reason(cause)}`, {
      hint: 'apt-get install -y binutils',
      exitCode: ExitCode.couldNotRun,
      cause,
    });
  } finally {
    child.kill();
  }
}

function failed(file: string, said: string): KhoforgeError {
  return new KhoforgeError('READELF_FAILED', `readelf cannot read ${file}: ${said.trim().split('\n')[0]}`, {
    where: { file },
    exitCode: ExitCode.couldNotRun,
  });
}
