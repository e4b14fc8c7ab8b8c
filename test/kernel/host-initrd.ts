import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

const run = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' });

/**
 * An initrd with this Node, khoforge as it was built, and what both need. Its init runs khoforge once for each list of
 * arguments, in one process, with a line before and after; see hostOutput().
 * @returns path of the initrd, in a folder that the caller removes
 */
export function buildHostInitrd(commands: readonly (readonly string[])[]): { path: string; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'khoforge-host-'));
  const root = join(folder, 'root');
  for (const path of ['dev', 'usr/bin', 'khoforge/build/Release'])
    mkdirSync(join(root, path), { recursive: true });
  run(
    'gcc',
    '-std=gnu11',
    '-Os',
    '-Wall',
    '-static',
    '-s',
    '-o',
    join(root, 'init'),
    join(REPOSITORY, 'test/kernel/host-init.c'),
  );
  cpSync(process.execPath, join(root, 'usr/bin/node'), { dereference: true });
  const addon = 'build/Release/khoforge.node';
  for (const library of libraries(process.execPath, join(REPOSITORY, addon))) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    cpSync(library, join(root, library), { dereference: true });
  }
  for (const path of ['dist', 'abi', 'package.json', addon, ...dependencies()]) {
    cpSync(join(REPOSITORY, path), join(root, 'khoforge', path), { recursive: true });
  }
  writeFileSync(join(root, 'run.mjs'), program(commands));
  const path = join(folder, 'initrd.cpio.gz');
  run('sh', '-c', 'cd "$0" && find . | cpio --quiet -o -H newc | gzip -1 > "$1"', root, path);
  rmSync(root, { recursive: true });
  return { path, folder };
}

function libraries(...programs: string[]): string[] {
  return [...new Set(run('ldd', ...programs).match(/\/\S+(?= \(0x)/g) ?? [])];
}

/** Folders of what khoforge needs at run time, relative to the repository. */
function dependencies(): string[] {
  const listed = run('npm', 'ls', '--prefix', REPOSITORY, '--omit=dev', '--all', '--parseable');
  return listed.match(/node_modules\/\S+/g) ?? [];
}

function program(commands: readonly (readonly string[])[]): string {
  return `import { main } from '/khoforge/dist/cli/main.js';
for (const args of ${JSON.stringify(commands)}) {
  console.log('khoforge-host: run ' + args.join(' '));
  const started = Date.now();
  const code = await main(['node', 'khoforge', ...args]);
  const rss = Math.round(process.memoryUsage().rss / 2 ** 20);
  console.log('khoforge-host: exit ' + code + ' after ' + (Date.now() - started) + ' ms with ' + rss + ' MiB');
}
`;
}

/** What one of the commands printed, stdout and stderr as they came. */
export function hostOutput(
  console: readonly string[],
  command: string,
): { code: number; text: string; end: string } {
  const start = console.indexOf(`khoforge-host: run ${command}`);
  const length = console.slice(start + 1).findIndex((line) => line.startsWith('khoforge-host: exit '));
  if (start < 0 || length < 0)
    throw new Error(`the guest did not run '${command}': ${console.slice(-20).join('\n')}`);
  const end = console[start + 1 + length] ?? '';
  return {
    code: Number(/exit (\d+)/.exec(end)?.[1]),
    text: console.slice(start + 1, start + 1 + length).join('\n'),
    end,
  };
}
