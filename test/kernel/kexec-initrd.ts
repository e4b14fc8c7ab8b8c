import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface KexecInitrd {
  /** Folder that is made and holds it. */
  readonly folder: string;
  /** What is loaded, and with what. */
  readonly kernel: string;
  readonly initrd: string;
  readonly cmdline: string;
  /** Static program that runs before, with `-s 1`. */
  readonly before?: string;
  /** Default gcc. */
  readonly cc?: string;
}

/** An initrd whose init loads `kernel` with `initrd` and jumps into it. @returns its path */
export function kexecInitrd({ folder, kernel, initrd, cmdline, before, cc = 'gcc' }: KexecInitrd): string {
  const root = join(folder, 'root');
  mkdirSync(join(root, 'dev'), { recursive: true });
  const source = fileURLToPath(new URL('kexec-init.c', import.meta.url));
  execFileSync(cc, [
    '-std=gnu11',
    '-Os',
    '-Wall',
    '-Wextra',
    '-static',
    '-s',
    '-o',
    join(root, 'init'),
    source,
  ]);
  copyFileSync(kernel, join(root, 'kernel'));
  copyFileSync(initrd, join(root, 'initrd'));
  writeFileSync(join(root, 'cmdline'), `${cmdline}\n`);
  if (before !== undefined) copyFileSync(before, join(root, 'before'));
  const input = `dev\ninit\nkernel\ninitrd\ncmdline\n${before === undefined ? '' : 'before\n'}`;
  const options = { cwd: root, input, maxBuffer: 1 << 30 };
  const path = join(folder, 'initrd.cpio');
  writeFileSync(path, execFileSync('cpio', ['--quiet', '-o', '-H', 'newc', '-R', '0:0'], options));
  return path;
}
