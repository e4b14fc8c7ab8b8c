import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { claimChildren } from '../base/cleanup.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { packageFile } from '../base/package.ts';

const SCRIPT = packageFile('abi/fetch-headers.sh');

/** A release's headers on disk. */
export interface FetchedHeaders {
  readonly tree: string;
  /** Generated headers of a flavour, for this machine's architecture. */
  readonly build?: string;
  /** Package and version. */
  readonly source: string;
}

/**
 * A release's headers from Debian, fetched once and kept in the cache.
 * @param what `headers`: the header packages where there are some; `source`: always the kernel's source
 * @throws KhoforgeError `RELEASE_UNAVAILABLE` when Debian has it no more, `FETCH_FAILED` when the script could not run
 */
export function fetchRelease(release: string, what: 'headers' | 'source'): FetchedHeaders {
  const args = [SCRIPT, '--release', release, ...(what === 'source' ? ['--source'] : [])];
  // Its progress is for people who wait; otherwise its last words become the error.
  const talk = process.stderr.isTTY ? 'inherit' : 'pipe';
  using children = claimChildren();
  const run = spawnSync('bash', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', talk],
    env: children.env,
  });
  if (run.status !== 0) throw failure(release, run.status, run.error?.message ?? run.stderr ?? 'see above');
  const folder = run.stdout.trim();
  const build = join(folder, 'build');
  return {
    tree: join(folder, 'tree'),
    ...(existsSync(build) && { build }),
    source: readFileSync(join(folder, 'package'), 'utf8').trim(),
  };
}

/** The script's last words begin with its name; the lines after them say how to go on. */
function failure(release: string, status: number | null, said: string): KhoforgeError {
  const lines = said.trimEnd().split('\n');
  const at = lines.findLastIndex((line) => line.startsWith('fetch-headers.sh: '));
  const message = lines[at]?.replace('fetch-headers.sh: ', '') ?? lines.at(-1) ?? 'no reason given';
  const hint = lines
    .slice(at + 1)
    .map((line) => line.trim())
    .join('; ');
  return new KhoforgeError(
    status === 2 ? 'RELEASE_UNAVAILABLE' : 'FETCH_FAILED',
    `cannot get the headers of Linux ${release}: ${message}`,
    {
      exitCode: status === 2 ? ExitCode.badInput : ExitCode.couldNotRun,
      ...(at >= 0 && hint !== '' && { hint }),
    },
  );
}
