import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { buildInitrd, planLine } from '../../src/guest/initrd.ts';
import { hostArch } from '../../src/toolchain/compiler.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

const run = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' });

/**
 * An initrd with this Node, khoforge's command line as it was built, and what both need. It runs khoforge once for each list of
 * arguments, in one process, with a line before and after; see hostOutput().
 */
export function hostInitrd(commands: readonly (readonly string[])[]): Buffer {
  const addon = 'build/Release/khoforge.node';
  const own = ['dist/bundle', 'abi', 'package.json', addon].flatMap(filesIn);
  const files = {
    '/run.mjs': Buffer.from(program(commands)),
    '/usr/bin/node': readFileSync(process.execPath),
    ...filesAt(libraries(process.execPath, join(REPOSITORY, addon)), (path) => path),
    ...filesAt(own, (path) => `/khoforge/${relative(REPOSITORY, path)}`),
  };
  const plan = [
    // From here on the kernel prints nothing, so that the console is the program's.
    planLine('write', '/sys/module/printk/parameters/ignore_loglevel', 'N'),
    planLine('write', '/proc/sys/kernel/printk', '1'),
    planLine('run', '/usr/bin/node', '/run.mjs'),
  ];
  return gzipSync(buildInitrd({ arch: hostArch(), plan, files }), { level: 1 });
}

function filesAt(paths: readonly string[], place: (path: string) => string): Record<string, Uint8Array> {
  return Object.fromEntries(paths.map((path) => [place(path), readFileSync(path)]));
}

/** Paths of the files at or below a path of the repository. */
function filesIn(path: string): string[] {
  const whole = join(REPOSITORY, path);
  if (!statSync(whole).isDirectory()) return [whole];
  const names = readdirSync(whole, { recursive: true, encoding: 'utf8' });
  return names.map((name) => join(whole, name)).filter((one) => statSync(one).isFile());
}

function libraries(...programs: string[]): string[] {
  return [...new Set(run('ldd', ...programs).match(/\/\S+(?= \(0x)/g) ?? [])];
}

function program(commands: readonly (readonly string[])[]): string {
  return `import { main } from '/khoforge/dist/bundle/main.js';
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
