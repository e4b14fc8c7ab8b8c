import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fakeBzImage } from '../load/fake-kernel.ts';
import { FakeTree } from '../profile/fake-tree.ts';
import { Killer, type Victim } from './killed.ts';
import { khoforge } from './run.ts';

// Whatever kills a command, nothing of it is left: no process, no temporary folder, no half of an output, and an older
// output is there until the new one is. KHOFORGE_KILLS says how often each is killed, KHOFORGE_KILL_SEED when.
const TIMES = Number(process.env.KHOFORGE_KILLS ?? 1);
const SEED = Number(process.env.KHOFORGE_KILL_SEED ?? 1);

const folder = mkdtempSync(join(tmpdir(), 'khoforge-kill-test-'));
const at = (...names: string[]) => join(folder, ...names);
const tree = new FakeTree();
const killer = new Killer(SEED);

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
});

afterAll(() => {
  killer.close();
  tree.remove();
  rmSync(folder, { recursive: true });
});

const qemu = { env: { PATH: `${at('bin')}:${process.env.PATH}` }, isEndless: true };
const boot = ['boot', at('image'), '--kernel', at('kernel')];

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
  'boot --log': { args: [...boot, '--log', at('console.log')], ...qemu },
  'abi profile': { args: ['abi', 'profile', '--tree', tree.folder, '-o', 'out.json'] },
  'abi diff': { args: ['abi', 'diff', tree.folder, tree.folder] },
  bench: { args: ['bench'], isEndless: true },
  doctor: { args: ['doctor'] },
};

it.each(Object.entries(VICTIMS))('%s leaves nothing behind when it is killed', async (_name, victim) => {
  expect(await killer.kill(victim, TIMES)).toEqual([]);
});
