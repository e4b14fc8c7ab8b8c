import { spawnSync } from 'node:child_process';
import { claimChildren } from '../base/cleanup.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';

/**
 * Makes pages of a tracefile of lcov.
 * @param tree where its sources are
 * @param folder for the pages
 * @throws KhoforgeError `GENHTML_MISSING`, `GENHTML_FAILED` (could not run)
 */
export function genhtml(tracefile: string, tree: string, folder: string): void {
  using children = claimChildren();
  const args = ['--quiet', '--prefix', tree, '--output-directory', folder, tracefile];
  const { error, status, stderr } = spawnSync('genhtml', args, { encoding: 'utf8', env: children.env });
  const exitCode = ExitCode.couldNotRun;
  if (error) {
    const hint = 'apt-get install -y lcov';
    throw new KhoforgeError('GENHTML_MISSING', `no pages: cannot run genhtml: ${error.message}`, {
      hint,
      exitCode,
    });
  }
  if (status === 0) return;
  throw new KhoforgeError(
    'GENHTML_FAILED',
    `genhtml made no pages of ${tracefile}: ${stderr.trim().split('\n')[0]}`,
    {
      where: { file: tracefile },
      exitCode,
    },
  );
}
