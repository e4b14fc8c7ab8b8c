import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import * as consoles from '../boot/consoles.ts';
import { khoforge } from '../cli/run.ts';
import { fakeQemuProgram, type Mode, temporary } from '../guest/fake-qemu.ts';
import { fakeBzImage } from '../load/fake-kernel.ts';
import { PLAIN } from './bases.ts';

/** A kernel, a base, and a QEMU whose guest always prints the same. */
function bench(console = consoles.revived, mode: Mode = 'exit') {
  const folder = temporary();
  const at = (name: string) => join(folder, name);
  writeFileSync(at('bzImage'), fakeBzImage());
  writeFileSync(at('plain.yaml'), PLAIN);
  mkdirSync(at('bin'));
  symlinkSync(fakeQemuProgram(mode, console), at('bin/qemu-system-x86_64'));
  const env = { PATH: `${at('bin')}:${process.env.PATH}` };
  const words = ['fuzz', '--kernel', at('bzImage'), '--corpus', at('plain.yaml')];
  return { at, env, words, fuzz: (...args: string[]) => khoforge([...words, ...args], env) };
}

describe('khoforge fuzz', () => {
  it('finds where a kernel does otherwise than was foretold, and keeps the shortest spec that shows it', () => {
    const { at, fuzz } = bench();
    const { code, stdout, stderr } = fuzz('--count', '16', '-o', at('out'));
    expect(stderr).toBe('');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^foretold (?:broken|rejected|ignored), was revived \(\d+ runs?, first \d+\)$/m);
    expect(stdout).toMatch(/^Linux 7\.3\.4, seed 1: 16 runs, \d+ s$/m);
    const names = readdirSync(at('out/findings'));
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) {
      const spec = at(`out/findings/${name}/spec.yaml`);
      expect(readFileSync(at(`out/findings/${name}/console.log`), 'utf8')).toBe(consoles.revived);
      const kept = JSON.parse(readFileSync(at(`out/findings/${name}/prediction.json`), 'utf8'));
      const again = JSON.parse(khoforge(['verify', spec, '--json']).stdout);
      expect(again).toMatchObject({ verdict: kept.verdict, console: kept.console });
      expect(kept.verdict === 'revived' && kept.console.length === 3).toBe(false);
    }
    // They are cases of a catalogue.
    const list = khoforge(['suite', '--list', '--fixtures', at('out/findings')]);
    expect(list.stdout.trim().split('\n')).toHaveLength(names.length);
  });

  it('comes to the same whatever the number of jobs', () => {
    const { fuzz } = bench();
    const report = (jobs: string) => ({
      ...JSON.parse(fuzz('--count', '16', '--jobs', jobs, '--json').stdout),
      seconds: 0,
    });
    expect(report('4')).toEqual(report('1'));
  });

  it('comes to no mutation where the base itself is foretold wrongly', () => {
    const { fuzz } = bench(consoles.onlyFound);
    const { groups } = JSON.parse(fuzz('--count', '12', '--json').stdout);
    expect(groups.map(({ mutations }: { mutations: string[] }) => mutations)).toContainEqual([]);
  });

  it('prints what was found when it is interrupted, and goes on later', async () => {
    const { at, words, env, fuzz } = bench('', 'hang');
    const child = spawn(process.execPath, ['bin/khoforge.js', ...words, '-o', at('out'), '--count', '3'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.on('data', (text) => {
      printed += String(text);
    });
    const isBooting = () =>
      existsSync(at('out')) && readdirSync(at('out')).some((name) => name.endsWith('.log'));
    await vi.waitFor(() => expect(isBooting()).toBe(true), { timeout: 60_000 });
    child.kill('SIGINT');
    const [, signal] = await once(child, 'close');
    expect(signal).toBe('SIGINT');
    expect(printed).toContain('it came to no end: --resume goes on with it');
    expect(readdirSync(at('out'))).toEqual(['results.jsonl']);
    expect(fuzz('-o', at('out'), '--resume', '--seed', '2').stderr).toContain(
      "of another seed: '1', the other of '2'",
    );
  });

  it('goes on where an earlier run stopped, with more runs', () => {
    const { at, fuzz } = bench();
    const report = (...args: string[]) => ({ ...JSON.parse(fuzz('--json', ...args).stdout), seconds: 0 });
    report('-o', at('out'), '--count', '8');
    const resumed = report('-o', at('out'), '--count', '20', '--resume');
    expect(resumed).toEqual(report('--count', '20'));
  });

  it.each([
    ['nothing to go on with', ['--resume'], 2, '--resume goes on'],
    ['a corpus that is not there', ['--corpus', '/nonexistent'], 2, 'cannot read /nonexistent'],
    [
      'a corpus without a spec',
      ['--corpus', 'src/fuzz'],
      2,
      'src/fuzz has no spec that mutations could start from',
    ],
    ['a shard that is none', ['--shard', '3/2'], 2, 'e.g. 3/16'],
    ['a folder of somebody', ['-o', 'src'], 2, 'src exists and is not of a run of fuzz'],
  ])('says of %s what is wrong', (_, args, code, text) => {
    const run = bench().fuzz(...args);
    expect(run.stderr).toContain(text);
    expect(run.code).toBe(code);
  });

  it('could not run without QEMU', () => {
    const { words } = bench();
    const run = khoforge(words, { PATH: '/nonexistent' });
    expect(run.stderr).toContain('cannot run qemu-system-x86_64');
    expect(run.code).toBe(3);
  });
});
