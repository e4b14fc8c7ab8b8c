import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readProgram } from '../../src/coverage/program.ts';
import * as consoles from '../boot/consoles.ts';
import { khoforge } from '../cli/run.ts';
import { CORE, smallTree, traceOf } from '../coverage/small-tree.ts';
import { fakeQemuProgram, temporary } from '../guest/fake-qemu.ts';
import { fakeBzImage } from '../load/fake-kernel.ts';

const CASE = `case:
  about: What the self-test leaves.
  why: The plainest handover that there is.
  handover: good
subtrees:
  - kho_test: { seed: 1, max_mem: 64KiB }
`;

const tree = smallTree();
const vmlinux = join(tree, 'vmlinux');
let ran = '';

beforeAll(async () => {
  const { files } = await readProgram(vmlinux);
  ran = traceOf(files[0]?.lines.get(10) ?? []);
});

/** A QEMU that says of every boot that it ran one line. */
function bench() {
  const folder = temporary();
  const at = (name: string) => join(folder, name);
  writeFileSync(at('bzImage'), fakeBzImage());
  mkdirSync(at('fixtures/a'), { recursive: true });
  writeFileSync(at('fixtures/a/one.yaml'), CASE);
  writeFileSync(at('fixtures/a/two.yaml'), CASE);
  writeFileSync(at('ran'), ran);
  mkdirSync(at('bin'));
  const script = [
    `for word; do [ "$last" != -D ] || cat '${at('ran')}' >"$word"; last=$word; done`,
    `exec '${fakeQemuProgram('exit', consoles.revived)}' "$@"`,
  ];
  writeFileSync(at('bin/qemu-system-x86_64'), ['#!/bin/sh', ...script, ''].join('\n'), { mode: 0o755 });
  const always = ['suite', '--kernel', at('bzImage'), '--fixtures', at('fixtures')];
  const env = { PATH: `${at('bin')}:${process.env.PATH}` };
  return { at, suite: (...args: string[]) => khoforge([...always, ...args], env) };
}

afterAll(() => rmSync(tree, { recursive: true }));

describe('khoforge suite --coverage', () => {
  it('says which lines boots ran, to people, to programs and to lcov', () => {
    const { at, suite } = bench();
    const output = at('out');
    const { stdout, stderr, code } = suite('--coverage', '--vmlinux', vmlinux, '-o', output);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(new RegExp(`^ +\\d+\\.\\d% +1 of \\d+ .* ${CORE}$`, 'm'));
    expect(readFileSync(join(output, 'coverage.info'), 'utf8')).toContain('\nDA:10,2\n');
    const json = JSON.parse(suite('--coverage', '--vmlinux', vmlinux, '--json').stdout);
    expect(json.coverage).toMatchObject({ run: 1, files: [{ path: CORE, run: 1, boots: { 10: 2, 5: 0 } }] });
  });

  it.each([
    [['--vmlinux', 'x'], 'add --coverage'],
    [['--coverage'], 'add --vmlinux FILE'],
    [['--coverage', '--vmlinux', vmlinux, '--record'], 'leave out --resume and --record'],
    [
      ['--coverage', '--vmlinux', vmlinux, '--vmlinux', vmlinux],
      '--vmlinux linux/vmlinux --vmlinux linux/arch',
    ],
    [['--coverage', '--vmlinux', vmlinux, '--source', '/usr'], '--source DIR names the tree'],
    [['--coverage', '--vmlinux', '/none'], '/none'],
    [['--coverage', '--vmlinux', join(tree, 'main.c')], 'main.c'],
  ])('says of %j what is wrong', (args, hint) => {
    const { suite } = bench();
    const { stderr, stdout, code } = suite(...args);
    expect(stdout).toBe('');
    expect(stderr).toContain(hint);
    expect(code).toBe(2);
  });
});
