import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs one of the build scripts beside this file; what it builds is kept in the cache, so a second run is instant. */
function script(name: string, ...args: string[]): string {
  const path = fileURLToPath(new URL(name, import.meta.url));
  return execFileSync('bash', [path, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

/**
 * Releases whose kernels are built and booted, beside 7.3. Each takes 160 MB to fetch and a minute or three to compile,
 * once: KHOFORGE_RELEASES names others, e.g. '6.17 6.18'.
 */
export const RECEIVERS: readonly string[] = (process.env.KHOFORGE_RELEASES ?? '6.18 6.19 7.1 7.2')
  .split(' ')
  .filter((release) => release !== '');

/** Path of a bzImage built from Debian's source. @param args of build-kernel.sh */
export const buildKernel = (...args: string[]): string => script('build-kernel.sh', ...args);

/** Folder of a release's source, with linux/ and version; fetched into the cache when it is not there. */
export const sourceOf = (release: string): string => script('fetch-source.sh', '--release', release);

/** Path of the initrd whose init prints what debugfs shows of the handover. */
export const buildInitrd = (): string => script('build-initrd.sh');

/**
 * Fetches the source of a release into the cache, where later calls find it.
 * @returns why it cannot be had: a mirror may have dropped it. undefined when it is there
 */
export function whyUnfetchable(release: string): string | undefined {
  const path = fileURLToPath(new URL('fetch-source.sh', import.meta.url));
  const { status, stderr } = spawnSync('bash', [path, '--release', release], { encoding: 'utf8' });
  process.stderr.write(stderr);
  if (status === 0) return undefined;
  const [reason = `exit ${status}`] = stderr
    .split('\n')
    .filter((line) => line.startsWith('fetch-source.sh: '));
  return `the source of Linux ${release} cannot be fetched: ${reason}`;
}
