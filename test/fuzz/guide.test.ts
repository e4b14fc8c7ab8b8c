import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readProgram } from '../../src/coverage/program.ts';
import { Guided, type Learned, type Plan, Unguided } from '../../src/fuzz/guide.ts';
import { mutationText } from '../../src/fuzz/mutation.ts';
import * as consoles from '../boot/consoles.ts';
import { khoforge } from '../cli/run.ts';
import { smallTree, traceOf } from '../coverage/small-tree.ts';
import { fakeQemuProgram, temporary } from '../guest/fake-qemu.ts';
import { fakeBzImage } from '../load/fake-kernel.ts';
import { baseOf, PLAIN } from './bases.ts';

const bases = [baseOf(PLAIN)];
const textOf = ({ mutations }: Plan) => mutations.map(mutationText).join('; ');

/** A round in which runs reach these lines, by their number. */
function roundOf(planner: Guided, lines: Readonly<Record<number, readonly string[]>>): Learned[] {
  return Object.entries(lines).map(([run, all]) => ({
    run: Number(run),
    plan: planner.plan(Number(run)),
    lines: planner.newOf(all),
  }));
}

const plansOf = (planner: Guided, from: number) =>
  Array.from({ length: 40 }, (_, i) => textOf(planner.plan(from + i)));

describe('guided runs', () => {
  it('are the same for the same seed and the same rounds, whatever ended first', () => {
    const round = { 0: ['a:1'], 1: ['a:1', 'a:2'], 2: ['a:2'] };
    const [one, other] = [new Guided(bases, '1'), new Guided(bases, '1')];
    one.learn(roundOf(one, round));
    other.learn(roundOf(other, round).reverse());
    expect(plansOf(one, 20)).toEqual(plansOf(other, 20));
    expect(plansOf(new Guided(bases, '2'), 0)).not.toEqual(plansOf(new Guided(bases, '1'), 0));
  });

  it('go on from what reached new lines, and from nothing else', () => {
    const plans = Array.from({ length: 200 }, (_, run) => new Unguided(bases, '1').plan(run));
    const [kept, rest] = plans.filter(({ mutations: [one, more] }) => one?.kind === 'override' && !more);
    if (!kept || !rest) throw new RangeError('no two plans of one override each');
    const guided = new Guided(bases, '1');
    guided.learn([
      { run: 1, plan: rest, lines: ['a:1'] },
      { run: 0, plan: kept, lines: ['a:1', 'a:2'] },
    ]);
    const pathOf = ({ mutations: [one] }: Plan) => (one && 'path' in one ? one.path : '');
    const further = Array.from({ length: 80 }, (_, run) => guided.plan(20 + run));
    const count = (plan: Plan) => further.filter((one) => pathOf(one) === pathOf(plan)).length;
    expect(count(kept)).toBeGreaterThan(12);
    expect(count(rest)).toBeLessThan(6);
    expect(guided.newOf(['a:1', 'a:2', 'a:3'])).toEqual(['a:3']);
  });

  it('are no others where nobody asks for them', () => {
    const [one, other] = [new Unguided(bases, '1'), new Unguided(bases, '1')];
    one.newOf(['a:1']);
    expect(textOf(one.plan(7))).toBe(textOf(other.plan(7)));
    expect(one.newOf(['a:1', 'a:2'])).toEqual(['a:2']);
  });
});

describe('khoforge fuzz --guided', () => {
  const tree = smallTree();
  const vmlinux = join(tree, 'vmlinux');
  const traces: string[] = [];
  beforeAll(async () => {
    const { files } = await readProgram(vmlinux);
    traces.push(...[...(files[0]?.lines.values() ?? [])].map(traceOf));
  });
  afterAll(() => rmSync(tree, { recursive: true }));

  /** A QEMU that says of each handover that it ran one line, which depends on the handover. */
  function bench() {
    const folder = temporary();
    const at = (name: string) => join(folder, name);
    writeFileSync(at('bzImage'), fakeBzImage());
    writeFileSync(at('plain.yaml'), PLAIN);
    for (const [i, trace] of traces.entries()) writeFileSync(at(`trace-${i}`), trace);
    mkdirSync(at('bin'));
    const script = [
      'for word; do case $last in -D) log=$word ;; -kernel) image=$word ;; esac; last=$word; done',
      `n=$(($(cksum <"$image" | cut -d ' ' -f 1) % ${traces.length}))`,
      `[ -z "$log" ] || cat "${at('trace-')}$n" >"$log"`,
      `exec '${fakeQemuProgram('exit', consoles.revived)}' "$@"`,
    ];
    writeFileSync(at('bin/qemu-system-x86_64'), ['#!/bin/sh', ...script, ''].join('\n'), { mode: 0o755 });
    const words = ['fuzz', '--kernel', at('bzImage'), '--corpus', at('plain.yaml'), '--vmlinux', vmlinux];
    const env = { PATH: `${at('bin')}:${process.env.PATH}` };
    return { at, fuzz: (...args: string[]) => khoforge([...words, ...args], env) };
  }

  it('comes to the same with any number of jobs, and where it goes on', () => {
    const { at, fuzz } = bench();
    const report = (...args: string[]) => ({
      ...JSON.parse(fuzz('--guided', '--count', '44', '--json', ...args).stdout),
      seconds: 0,
    });
    const whole = report('--jobs', '1', '-o', at('one'));
    expect(whole.lines).toEqual({ reached: traces.length, of: traces.length });
    const file = at('one/results.jsonl');
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    writeFileSync(file, lines.slice(0, lines.length / 2).join('\n'));
    expect(report('--jobs', '3', '-o', at('one'), '--resume')).toEqual(whole);
    expect(fuzz('--coverage', '-o', at('one'), '--resume').stderr).toContain("is of another guided: 'yes'");
    expect(fuzz('--coverage', '--count', '8').stdout).toMatch(/^ {2}\d of \d+ lines of the kernel's code/m);
  });

  it.each([
    [['--guided', '--shard', '1/2'], 'give each machine a --seed of its own'],
    [[], 'add --guided, or --coverage'],
    [['--guided', '--vmlinux', '/none'], '/none'],
    [['--guided', '--tree', 'linux'], '--tree DIR has its lines: leave them out'],
  ])('says of %j what is wrong', (args, hint) => {
    const { stderr, code } = bench().fuzz(...args);
    expect(stderr).toContain(hint);
    expect(code).toBe(2);
  });
});
