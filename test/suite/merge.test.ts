import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as consoles from '../boot/consoles.ts';
import { PLAIN } from '../fuzz/bases.ts';
import { fakeBzImage } from '../load/fake-kernel.ts';
import { bench, reportOf } from './parts.ts';

describe('khoforge merge', () => {
  it('reports the parts of a suite as the whole, which the suite goes on with', () => {
    const { at, suite, merge } = bench();
    for (const part of ['1/3', '2/3', '3/3'])
      expect(suite('--shard', part, '-o', at(part.replace('/', '-'))).code).toBe(0);
    const words = ['--fixtures', at('fixtures'), '-o', at('all')];
    const merged = merge(at('1-3'), at('2-3'), at('3-3'), ...words, '--json');
    expect(merged).toMatchObject({ code: 0, stderr: '' });
    expect(reportOf(merged)).toEqual(reportOf(suite('--json')));
    rmSync(at('bin/qemu-system-x86_64'));
    expect(reportOf(suite('-o', at('all'), '--resume', '--json'))).toEqual(reportOf(merged));
    expect(readFileSync(at('all/c.log'), 'utf8')).toBe(consoles.revived);
  });

  it('names the parts that are not there', () => {
    const { at, suite, merge } = bench();
    suite('--shard', '2/3', '-o', at('2'));
    const merged = merge(at('2'), '--fixtures', at('fixtures'), '-o', at('all'));
    expect(merged.code).toBe(1);
    expect(merged.stderr).toBe('note: not there: 1/3, 3/3\n');
    expect(merged.stdout).toContain('3 cases were not come to');
  });

  it('reports the parts of a fuzz as the whole, with what differs', () => {
    const { at, fuzz, merge } = bench();
    for (const part of ['1/2', '2/2']) fuzz('--shard', part, '-o', at(part.replace('/', '-')));
    const merged = merge(at('1-2'), at('2-2'), '-o', at('all'), '--json');
    const whole = fuzz('-o', at('whole'), '--json');
    expect(merged.code).toBe(1);
    expect(reportOf(merged)).toEqual(reportOf(whole));
    const { groups } = reportOf(whole);
    expect(groups.length).toBeGreaterThan(2);
    for (const name of groups.map((group) => String(Reflect.get(group, 'name'))))
      expect(readFileSync(at(`all/findings/${name}/spec.yaml`), 'utf8')).toBe(
        readFileSync(at(`whole/findings/${name}/spec.yaml`), 'utf8'),
      );
    expect(reportOf(fuzz('-o', at('all'), '--resume', '--json'))).toEqual(reportOf(whole));
  });

  it('refuses what does not go together, by name', () => {
    const { at, suite, fuzz, merge } = bench();
    const fuzzed = (name: string, ...args: string[]) => fuzz('-o', at(name), '--count', '1', ...args);
    fuzzed('one', '--shard', '1/2');
    fuzzed('seed', '--shard', '2/2', '--seed', '7');
    suite('-o', at('suite'), '--filter', 'a');
    writeFileSync(at('bzImage'), fakeBzImage({ version: '7.3.5 (a@b) #1 SMP' }));
    fuzzed('kernel', '--shard', '2/2');
    writeFileSync(at('corpus/plain.yaml'), PLAIN.replace('seed: 1', 'seed: 2'));
    fuzzed('other');
    const wrong = (other: string) => merge(at('one'), at(other), '-o', at('all'));
    expect(wrong('seed')).toMatchObject({ code: 2, stdout: '' });
    expect(wrong('seed').stderr).toContain(
      `${at('seed')} is of another seed: '7', the other of '1', in ${at('one')}`,
    );
    expect(wrong('kernel').stderr).toMatch(
      /kernel is of another kernel: Linux 7\.3\.5 \([0-9a-f]{12}\), the other of Linux 7\.3\.4/,
    );
    expect(merge(at('kernel'), at('other'), '-o', at('all')).stderr).toContain('is of another corpus');
    expect(wrong('suite').stderr).toContain('is a run of suite, the other of fuzz');
    expect(wrong('nowhere').stderr).toContain('is not of a run of suite or fuzz');
    expect(merge(at('one'), '-o', 'src').stderr).toContain('src exists and is not of a run of fuzz');
  });
});
