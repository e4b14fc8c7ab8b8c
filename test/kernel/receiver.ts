import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Runs one of the build scripts beside this file; what it builds is kept in the cache, so a second run is instant. What
 * boots in the meantime goes first.
 */
function script(name: string, ...args: string[]): string {
  const path = fileURLToPath(new URL(name, import.meta.url));
  return execFileSync('nice', ['-n', '10', 'bash', path, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

/** Arguments of build-kernel.sh for each kernel that the tests boot. */
const KERNELS: readonly string[] = readFileSync(new URL('kernels', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('--'));

const LISTED = KERNELS.flatMap((line) => /^--release (\S+)$/.exec(line)?.slice(1) ?? []);

/** Releases whose kernels are built and booted, beside 7.3: KHOFORGE_RELEASES names others, e.g. '6.17 6.18'. */
export const RECEIVERS: readonly string[] = process.env.KHOFORGE_RELEASES
  ? process.env.KHOFORGE_RELEASES.split(' ').filter((release) => release !== '')
  : LISTED.filter((release) => release !== '7.3').sort();

const DEFAULTS = ['--release 7.3', '--page-size 4K'];

/** The same for the same kernel. */
function optionsOf(line: string): string {
  const options = line.split(/ (?=--)/).filter((option) => !DEFAULTS.includes(option));
  return options.sort().join(' ');
}

const KNOWN = new Set([...KERNELS, ...RECEIVERS.map((release) => `--release ${release}`)].map(optionsOf));

/**
 * Path of a kernel image built from Debian's source.
 * @param args of build-kernel.sh, of a line in `kernels`, which build-all.sh builds ahead; or with `--source`
 */
export function buildKernel(...args: string[]): string {
  const line = args.join(' ');
  if (args[0] !== '--source' && !KNOWN.has(optionsOf(line)))
    throw new Error(`test/kernel/kernels lacks a line for this kernel: ${line}`);
  return script('build-kernel.sh', ...args);
}

/** Folder of a release's source, with linux/ and version; fetched into the cache when it is not there. */
export const sourceOf = (release: string): string => script('fetch-source.sh', '--release', release);

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
