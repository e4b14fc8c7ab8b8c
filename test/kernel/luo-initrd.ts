import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceOf } from './receiver.ts';

/** A session, and the tokens of its files in the order in which they are retrieved. */
export interface PlannedSession {
  readonly name: string;
  readonly tokens: readonly bigint[];
}

/**
 * An initrd whose init retrieves sessions and files from /dev/liveupdate and prints what it finds; see luo-init.c.
 * The interface is that of the release's own header.
 * @returns path of the initrd, in a folder that the caller removes
 */
export function buildLuoInitrd(
  release: string,
  plan: readonly PlannedSession[],
): { path: string; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'khoforge-luo-'));
  const root = join(folder, 'root');
  const include = join(folder, 'include');
  for (const path of [join(root, 'dev'), join(include, 'linux')]) mkdirSync(path, { recursive: true });
  cpSync(`${sourceOf(release)}/linux/include/uapi/linux/liveupdate.h`, join(include, 'linux/liveupdate.h'));
  const source = fileURLToPath(new URL('luo-init.c', import.meta.url));
  const flags = ['-std=gnu11', '-Os', '-Wall', '-Wextra', '-static', '-s', '-I', include];
  execFileSync('gcc', [...flags, '-o', join(root, 'init'), source]);
  const lines = plan.flatMap(({ name, tokens }) => [
    `session ${name}`,
    ...tokens.map((token) => `file ${token.toString(16)}`),
  ]);
  writeFileSync(join(root, 'plan'), `${lines.join('\n')}\n`);
  const path = join(folder, 'initrd.cpio.gz');
  execFileSync('sh', ['-c', 'cd "$0" && find . | cpio --quiet -o -H newc | gzip -1 > "$1"', root, path]);
  rmSync(root, { recursive: true });
  return { path, folder };
}
