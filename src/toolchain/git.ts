import { spawnSync } from 'node:child_process';
import { claimChildren, temporaryFolder } from '../base/cleanup.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';

/**
 * Unpacks files of a git revision and hands them to `use`; the tree's own files stay as they are.
 * @param wanted files and folders; those that the revision lacks are left out
 * @throws KhoforgeError `GIT_REVISION` when the tree has no such revision, `GIT_FAILED`
 */
export function withRevision<T>(
  tree: string,
  revision: string,
  wanted: readonly string[],
  use: (folder: string, commit: string) => T,
): T {
  const commit = resolveCommit(tree, revision);
  const listed = git(tree, ['ls-tree', '-z', '--name-only', commit, '--', ...wanted]).toString('utf8');
  const paths = listed.split('\0').filter((path) => path !== '');
  using folder = temporaryFolder('rev');
  const archive = git(tree, ['archive', '--format=tar', commit, '--', ...paths]);
  using children = claimChildren();
  const tar = spawnSync('tar', ['-x', '-C', folder.path], { input: archive, env: children.env });
  if (tar.status !== 0) throw failed(`cannot unpack ${revision}: ${tar.error?.message ?? tar.stderr}`);
  return use(folder.path, commit);
}

function resolveCommit(tree: string, revision: string): string {
  const run = spawnSync('git', [
    '-C',
    tree,
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${revision}^{commit}`,
  ]);
  if (run.error) throw failed(`cannot run git: ${run.error.message}`);
  if (run.status === 0) return run.stdout.toString('utf8').trim();
  const why = run.stderr.toString('utf8').trim().split('\n')[0];
  throw new KhoforgeError(
    'GIT_REVISION',
    `${tree} has no git revision '${revision}'${why ? `: ${why}` : ''}`,
    {
      where: { file: tree },
      hint: 'git fetch --tags may bring it',
    },
  );
}

function git(tree: string, args: readonly string[]): Buffer {
  using children = claimChildren();
  const run = spawnSync('git', ['-C', tree, ...args], { maxBuffer: 1 << 30, env: children.env });
  if (run.status !== 0)
    throw failed(`git ${args[0]} failed: ${run.error?.message ?? run.stderr.toString('utf8').trim()}`);
  return run.stdout;
}

function failed(what: string): KhoforgeError {
  return new KhoforgeError('GIT_FAILED', what, {
    hint: 'apt-get install git',
    exitCode: ExitCode.couldNotRun,
  });
}
