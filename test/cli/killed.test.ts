import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeBzImage } from '../load/fake-kernel.ts';
import { FakeTree } from '../profile/fake-tree.ts';
import { Killer, type Victim } from './killed.ts';
import { khoforge } from './run.ts';

// Whatever kills a command, nothing of it is left: no process, no temporary folder, no half of an output, and an older
// output is there until the new one is. KHOFORGE_KILLS says how often each is killed, KHOFORGE_KILL_SEED when.
const TIMES = Number(process.env.KHOFORGE_KILLS ?? 1);
const SEED = Number(process.env.KHOFORGE_KILL_SEED ?? 1);
/** Milliseconds that end what hangs: a kill with all that is waited for takes up to half a minute. */
const HANGS = 900_000 + TIMES * 30_000;

const folder = mkdtempSync(join(tmpdir(), 'khoforge-kill-test-'));
const at = (...names: string[]) => join(folder, ...names);
const tree = new FakeTree();
const killer = new Killer();

beforeAll(() => {
  const spec = (seed: number) => `
subtrees: [{ kexec-metadata: { previous_release: 7.3.4, kexec_count: ${seed} } }]
preserve: [{ name: a, size: 48MiB, addr: 0x8000000, content: { seed: ${seed}, size: 48MiB } }]`;
  writeFileSync(at('spec.yaml'), spec(1));
  writeFileSync(at('older.yaml'), spec(2));
  writeFileSync(at('kernel'), fakeBzImage());
  mkdirSync(at('older'));
  const made = [
    ['build', at('spec.yaml'), '-o', at('image')],
    ['build', at('spec.yaml'), '-o', at('core'), '--format', 'core', '--kernel', at('kernel')],
    ['build', at('older.yaml'), '-o', at('older', 'out')],
  ].map((args) => khoforge(args));
  expect(made.map(({ stderr, code }) => (code === 0 ? '' : stderr))).toEqual(['', '', '']);
  // A QEMU that speaks, has a child, and goes on for ever.
  mkdirSync(at('bin'));
  writeFileSync(at('bin', 'qemu-system-x86_64'), '#!/bin/sh\necho Linux version 7.3.4\nsleep 3600 &\nwait\n');
  chmodSync(at('bin', 'qemu-system-x86_64'), 0o755);
  writeFileSync(at('selftest.c'), 'int main(void) { return 0; }\n');
  execFileSync('gcc', ['-static', '-o', at('selftest'), at('selftest.c')]);
  // A /proc of a host with KHO; what Node asks of /proc is behind it.
  mkdirSync(at('proc', 'real'), { recursive: true });
  symlinkSync('real/self', at('proc', 'self'));
  copyFileSync(at('core'), at('proc', 'kcore'));
  writeFileSync(at('proc', 'iomem'), '00100000-1fffffff : System RAM\n');
});

afterAll(() => {
  killer.close();
  tree.remove();
  rmSync(folder, { recursive: true });
});

const qemu = { env: { PATH: `${at('bin')}:${process.env.PATH}` }, isEndless: true };
const boot = ['boot', at('image'), '--kernel', at('kernel')];
const kselftest = ['kselftest', at('image'), '--kernel', at('kernel'), '--test', at('selftest')];

/** Runs the words behind it where /proc is the folder of the test's, in a mount namespace of their own. */
const ON_HOST = [
  'unshare',
  '--user',
  '--map-root-user',
  '--mount',
  'sh',
  '-ec',
  'mount --rbind /proc "$0/real"; mount --rbind "$0" /proc; exec "$@"',
  at('proc'),
];
const hasNamespaces = spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'true']).status === 0;

const VICTIMS: Readonly<Record<string, Victim>> = {
  build: { args: ['build', at('spec.yaml'), '-o', 'out'] },
  'build over an older image': { args: ['build', at('spec.yaml'), '-o', 'out'], before: at('older') },
  'build --format core': { args: ['build', at('spec.yaml'), '-o', 'out', '--format', 'core'] },
  'build --format raw': { args: ['build', at('spec.yaml'), '-o', 'out', '--format', 'raw'] },
  'build --format kexec': {
    args: ['build', at('spec.yaml'), '-o', 'out', '--format', 'kexec', '--kernel', at('kernel')],
  },
  'capture of an image': { args: ['capture', at('image'), '-o', 'out', '--with-contents'] },
  'capture of a core': {
    args: ['capture', at('core'), '-o', 'out', '--with-contents'],
    resumes: /^\.out\./,
  },
  inspect: { args: ['inspect', at('core')] },
  verify: { args: ['verify', at('image')] },
  diff: { args: ['diff', at('image'), at('core')] },
  boot: { args: boot, ...qemu },
  'boot --log': { args: [...boot, '--log', at('console.log'), '--force'], ...qemu },
  kselftest: { args: kselftest, ...qemu },
  suite: { args: ['suite', '--kernel', at('kernel'), '--release', '7.3', '--filter', 'root-fdt/*'], ...qemu },
  fuzz: { args: ['fuzz', '--kernel', at('kernel'), '--release', '7.3', '--count', '1000'], ...qemu },
  produce: { args: ['produce', '--kernel', at('kernel'), '-o', 'out'], ...qemu },
  matrix: { args: ['matrix', at('kernel'), `other=${at('kernel')}`], ...qemu },
  digest: { args: ['digest', at('image')] },
  'abi profile': { args: ['abi', 'profile', '--tree', tree.folder, '-o', 'out.json'] },
  'abi diff': { args: ['abi', 'diff', tree.folder, tree.folder] },
  bench: { args: ['bench'], isEndless: true },
  doctor: { args: ['doctor'] },
};

const LIVE: Readonly<Record<string, Victim>> = {
  'inspect live': { args: ['inspect', 'live'], through: ON_HOST },
  'capture live': { args: ['capture', 'live', '-o', 'out', '--with-contents'], through: ON_HOST },
};

// Two at a time on two cores, each with moments of its own, so that none depends on the others.
describe.concurrent('a command that is killed leaves nothing behind', () => {
  it.each(Object.entries(VICTIMS))('%s', leavesNothing, HANGS);
  // Where nobody may make a namespace, there is no host that can be made up.
  it.skipIf(!hasNamespaces).each(Object.entries(LIVE))('%s', leavesNothing, HANGS);
});

async function leavesNothing(name: string, victim: Victim): Promise<void> {
  const own = [...name].reduce((sum, character) => sum * 31 + character.charCodeAt(0), SEED);
  expect(await killer.kill(victim, TIMES, own)).toEqual([]);
}
