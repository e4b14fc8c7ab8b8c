import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface GuestInitrd {
  readonly path: string;
  /** What the caller removes. */
  readonly folder: string;
}

/**
 * An initrd with one static program of this folder as its init, and a text file /plan that tells it what to do.
 * @param source such as `luo-init.c`
 * @param options folders for the compiler, and which one; default gcc
 */
export function buildGuestInitrd(
  source: string,
  plan: readonly string[],
  { includes = [], cc = 'gcc' }: { includes?: readonly string[]; cc?: string } = {},
): GuestInitrd {
  const folder = mkdtempSync(join(tmpdir(), 'khoforge-initrd-'));
  const root = join(folder, 'root');
  mkdirSync(join(root, 'dev'), { recursive: true });
  const path = fileURLToPath(new URL(source, import.meta.url));
  const flags = [
    '-std=gnu11',
    '-Os',
    '-Wall',
    '-Wextra',
    '-static',
    '-s',
    ...includes.flatMap((one) => ['-I', one]),
  ];
  execFileSync(cc, [...flags, '-o', join(root, 'init'), path]);
  writeFileSync(join(root, 'plan'), `${plan.join('\n')}\n`);
  const archive = join(folder, 'initrd.cpio.gz');
  execFileSync('sh', ['-c', 'cd "$0" && find . | cpio --quiet -o -H newc | gzip -1 > "$1"', root, archive]);
  rmSync(root, { recursive: true });
  return { path: archive, folder };
}
