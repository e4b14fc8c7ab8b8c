import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs one of the build scripts beside this file; what it builds is kept in the cache, so a second run is instant. */
function script(name: string, ...args: string[]): string {
  const path = fileURLToPath(new URL(name, import.meta.url));
  return execFileSync('bash', [path, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

/** Path of a bzImage built from Debian's source. @param args of build-kernel.sh */
export const buildKernel = (...args: string[]): string => script('build-kernel.sh', ...args);

/** Path of the initrd whose init prints what debugfs shows of the handover. */
export const buildInitrd = (): string => script('build-initrd.sh');
