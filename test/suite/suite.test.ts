import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { loadCatalogue } from '../../src/suite/catalogue.ts';
import * as consoles from '../boot/consoles.ts';
import { khoforge } from '../cli/run.ts';
import { fakeQemuProgram, type Mode, temporary } from '../guest/fake-qemu.ts';
import { fakeBzImage } from '../load/fake-kernel.ts';

const CASE = `# a comment above
case:
  about: What the self-test leaves. # one behind
  why: The plainest handover that there is.
  handover: good
subtrees:
  - kho_test: { seed: 1, max_mem: 64KiB } # kept as it is
`;

interface Bench {
  readonly fixtures: string;
  readonly text: (name: string) => string;
  readonly suite: (...args: string[]) => ReturnType<typeof khoforge>;
}

/** A catalogue, a kernel, and a QEMU that prints a canned console. */
function bench(
  files: Readonly<Record<string, string>>,
  console = consoles.revived,
  mode: Mode = 'exit',
): Bench {
  const folder = temporary();
  const fixtures = join(folder, 'fixtures');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(fixtures, name)), { recursive: true });
    writeFileSync(join(fixtures, name), text);
  }
  const kernel = join(folder, 'bzImage');
  writeFileSync(kernel, fakeBzImage());
  mkdirSync(join(folder, 'bin'));
  symlinkSync(fakeQemuProgram(mode, console), join(folder, 'bin/qemu-system-x86_64'));
  const env = { PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
  return {
    fixtures,
    text: (name) => readFileSync(join(fixtures, name), 'utf8'),
    suite: (...args) => khoforge(['suite', '--kernel', kernel, '--fixtures', fixtures, ...args], env),
  };
}

const withOutcome = (fate: string, lines: string, console = CASE) =>
  console.replace(
    'subtrees:',
    `  outcomes:
    "7.2": { kernel: 7.2.9, fate: dies, verdict: broken, reason: panic, lines: [] }
    "7.3": { kernel: 7.3.4, fate: ${fate}, verdict: revived, reason: so, lines: [${lines}] }
subtrees:`,
  );

const LINES = [
  'KHO: found kexec handover data.',
  'KHO: exec from: 6.19.0-rc4-next-20260107 (count 41)',
  'test_kho: KHO restore succeeded',
];
const SAME = LINES.map((line) => JSON.stringify(line)).join(', ');

describe('khoforge suite', () => {
  it('says what the kernel makes of each case, and what changed', () => {
    const { suite } = bench({
      'a/same.yaml': withOutcome('revives', SAME),
      'a/worse.yaml': withOutcome('refuses', SAME).replace('handover: good', 'handover: bad'),
      'b/better.yaml': withOutcome('dies', ''),
      'b/different.yaml': withOutcome('revives', `"${LINES[0]}"`),
      'b/new.yaml': CASE,
      'b/other.yaml': CASE.replace('  handover', '  arch: arm64\n  handover'),
    });
    const { code, stdout, stderr } = suite();
    expect(stderr).toBe('');
    expect(stdout).toContain('a/same       revives  same\n');
    expect(stdout).toContain('a/worse      revives  worse (7.3: refuses)\n    - so\n    + 3 proofs\n');
    expect(stdout).toContain('b/better     revives  better (7.3: dies)\n');
    expect(stdout).toContain(`b/different  revives  different (7.3: revives)\n    + ${LINES[1]}\n`);
    expect(stdout).toContain('b/new        revives  new: nothing is recorded of 7.3\n');
    expect(stdout).toContain('b/other      skipped: it is for arm64\n');
    expect(stdout).toContain('against 7.3: 1 same, 1 better, 1 worse, 1 different, 1 new');
    expect(code).toBe(1);
  });

  it('has the same as KTAP, JSON and JUnit', () => {
    const { suite } = bench({ 'a/same.yaml': withOutcome('revives', SAME), 'a/other.yaml': `${CASE}` });
    const ktap = suite('--format', 'ktap');
    expect(ktap.code).toBe(0);
    expect(ktap.stdout).toMatch(
      /^KTAP version 1\n1\.\.2\n# What the self-test leaves\.\n# revives: 3 proofs\nok 1 - a\/other\n/,
    );
    const json = JSON.parse(suite('--json').stdout);
    expect(json).toMatchObject({
      kernel: '7.3.4',
      key: '7.3',
      passed: true,
      totals: { revives: 2, same: 1, new: 1 },
    });
    expect(json.results[1]).toMatchObject({
      name: 'a/same',
      outcome: { fate: 'revives', lines: LINES },
      since: { change: 'same' },
      recorded: { '7.2': { fate: 'dies' } },
    });
    const xml = suite('--format', 'junit').stdout;
    expect(xml).toContain('<testcase name="a/same" classname="a"><system-out>What the self-test leaves.');
    expect(xml).toContain('tests="2" failures="0" skipped="0"');
  });

  it('says which case cannot be asked, and asks the others', () => {
    const { suite } = bench({ 'a/one.yaml': CASE, 'a/wrong.yaml': `target: { release: "9.9" }\n${CASE}` });
    const { code, stdout } = suite();
    expect(stdout).toMatch(/a\/wrong +failed: .*a\/wrong.yaml:1: target.release: unknown release '9.9'/);
    expect(stdout).toMatch(/a\/one +revives/);
    expect(code).toBe(1);
  });

  it('compares with another recorded kernel when it is asked to', () => {
    const { suite } = bench({ 'a/one.yaml': withOutcome('revives', SAME) });
    expect(suite('--against', '7.2').stdout).toContain('revives  better (7.2: dies)');
  });

  it('records what a kernel did, and leaves all else in the file as it is', () => {
    const { suite, text, fixtures } = bench({ 'a/one.yaml': CASE, 'a/two.yaml': withOutcome('dies', '') });
    expect(suite('--record')).toMatchObject({
      code: 0,
      stderr: 'note: 2 outcomes are recorded as those of 7.3\n',
    });
    expect(text('a/one.yaml').replace(/ {2}outcomes:\n(?: {4}.*\n)+/, '')).toBe(CASE);
    expect(suite().stdout).toContain('against 7.3: 2 same');
    const [, two] = loadCatalogue(fixtures);
    expect(Object.keys(two?.text.outcomes ?? {})).toEqual(['7.2', '7.3']);
    const before = text('a/two.yaml');
    suite('--record');
    expect(text('a/two.yaml')).toBe(before);
  });

  it('keeps a kernel that is no release beside the release that it is of', () => {
    const { suite, fixtures, text } = bench({ 'a/one.yaml': withOutcome('dies', '') });
    const { stdout, stderr } = suite('--name', 'acme 7.3', '--record');
    expect(stdout).toContain('revives  better (7.3: dies)');
    expect(stdout).toContain('Linux 7.3.4 (acme 7.3): 1 cases ran');
    expect(stderr).toBe('note: 1 outcomes are recorded as those of acme 7.3\n');
    expect(Object.keys(loadCatalogue(fixtures)[0]?.text.outcomes ?? {})).toEqual(['7.2', '7.3', 'acme 7.3']);
    expect(text('a/one.yaml')).toContain('"7.3":\n      kernel: 7.3.4\n      fate: dies\n');
    expect(suite('--name', 'acme 7.3', '--against', 'acme 7.3').stdout).toContain('revives  same');
    expect(suite('--against', 'acme 7.3').stdout).toContain('against acme 7.3: 1 same');
  });

  it.each([
    ['7.2', "the name '7.2' is that of a release"],
    ['7.3 arm64 16K', "the name '7.3 arm64 16K' is that of a release"],
    ['', "'' is no name of a kernel"],
    ['constructor', "'constructor' is no name of a kernel"],
    ['acme  7.3', "'acme  7.3' is no name of a kernel"],
    [`acme 7.3${'.1'.repeat(20)}`, 'is no name of a kernel'],
  ])('refuses the name %j for a kernel', (name, why) => {
    const { suite, text } = bench({ 'a/one.yaml': CASE });
    const { code, stderr } = suite('--name', name, '--record');
    expect(stderr).toContain(why);
    expect(code).toBe(2);
    expect(text('a/one.yaml')).toBe(CASE);
  });

  it('records a case that is written in braces as well', () => {
    const flow =
      'case: { about: What., why: So., handover: good }\nsubtrees: [{ kho_test: { seed: 1, max_mem: 64KiB } }]\n';
    const { suite, fixtures } = bench({ 'a/one.yaml': flow });
    expect(suite('--record').code).toBe(0);
    expect(loadCatalogue(fixtures)[0]?.text.outcomes).toMatchObject({ '7.3': { fate: 'revives' } });
    expect(suite().stdout).toContain('1 same');
  });

  it('prints what was found when it is interrupted, and goes on later', async () => {
    const { suite, fixtures } = bench({ 'a/one.yaml': CASE, 'a/two.yaml': CASE }, consoles.revived, 'hang');
    const folder = dirname(fixtures);
    const args = [
      'suite',
      '--kernel',
      join(folder, 'bzImage'),
      '--fixtures',
      fixtures,
      '-o',
      join(folder, 'run'),
    ];
    const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
    const child = spawn(process.execPath, ['bin/khoforge.js', ...args], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.on('data', (text) => {
      printed += String(text);
    });
    await vi.waitFor(() => expect(existsSync(join(folder, 'run/a--one.log'))).toBe(true), {
      timeout: 60_000,
    });
    child.kill('SIGINT');
    const [, signal] = await once(child, 'close');
    expect(signal).toBe('SIGINT');
    expect(printed).toContain('0 cases ran');
    expect(printed).toContain('2 cases were not come to: --resume goes on with them');
    expect(suite('--list').code).toBe(0);
  });

  it('looks twice at what is not as it was recorded', () => {
    const { suite } = bench({ 'a/one.yaml': withOutcome('dies', '') });
    const folder = join(temporary(), 'run');
    suite('-o', folder);
    expect(readFileSync(join(folder, 'a--one.log'), 'utf8')).toBe(consoles.revived);
  });

  it('goes on where an earlier run of the same kernel stopped', () => {
    const { suite, fixtures } = bench({ 'a/one.yaml': CASE, 'a/two.yaml': CASE });
    const folder = join(temporary(), 'run');
    expect(suite('-o', folder, '--filter', 'one').code).toBe(0);
    const journal = join(folder, 'results.jsonl');
    const found = readFileSync(journal, 'utf8');
    // As of a kernel that did another thing, and a line that was cut off.
    writeFileSync(journal, `${found.replaceAll('revives', 'dies')}{"name":"a/tw`);
    const { stdout } = suite('-o', folder, '--resume');
    expect(stdout).toContain('a/one  dies');
    expect(stdout).toContain('a/two  revives');
    // Another question is asked again, and so is all without --resume.
    writeFileSync(join(fixtures, 'a/one.yaml'), CASE.replace('seed: 1', 'seed: 2'));
    expect(suite('-o', folder, '--resume').stdout).toContain('a/one  revives');
    writeFileSync(journal, readFileSync(journal, 'utf8').replaceAll('revives', 'dies'));
    expect(suite('-o', folder).stdout).not.toContain('dies');
  });

  it('lists the cases, and writes their images, without a boot', () => {
    const { suite, fixtures } = bench({ 'a/one.yaml': CASE, 'b/two.yaml': CASE }, '', 'fail');
    const list = khoforge(['suite', '--list', '--fixtures', fixtures]);
    expect(list).toMatchObject({
      code: 0,
      stdout: 'a/one  What the self-test leaves.\nb/two  What the self-test leaves.\n',
    });
    const folder = join(temporary(), 'images');
    expect(suite('--write', folder, '--filter', 'b/*').stdout).toBe(`1 images for 7.3 in ${folder}\n`);
    expect(khoforge(['verify', join(folder, 'b/two')]).code).toBe(0);
  });

  it.each([
    ['no kernel', ['suite', '--fixtures', 'FIXTURES'], 2, 'no kernel'],
    ['a filter that fits nothing', ['suite', '--list', '--fixtures', 'FIXTURES', '--filter', 'a/on'], 0, ''],
    [
      'an unknown name',
      ['suite', '--list', '--fixtures', 'FIXTURES', '--filter', 'a/onn'],
      2,
      "no case is called 'a/onn'",
    ],
    [
      'no catalogue',
      ['suite', '--list', '--fixtures', '/nonexistent'],
      2,
      'cannot read the catalogue /nonexistent',
    ],
    ['a spec that is no case', ['suite', '--list', '--fixtures', 'examples'], 2, "has no key 'case'"],
    [
      'a folder of somebody',
      ['suite', '--fixtures', 'FIXTURES', '--kernel', 'KERNEL', '-o', 'src'],
      2,
      'not of a run of the suite',
    ],
    [
      'a file that is no kernel',
      ['suite', '--fixtures', 'FIXTURES', '--kernel', 'README.md'],
      2,
      'README.md is no kernel of x86_64 or arm64',
    ],
    [
      'nothing to go on with',
      ['suite', '--fixtures', 'FIXTURES', '--kernel', 'KERNEL', '--resume'],
      2,
      '--resume goes on',
    ],
  ])('says of %s what is wrong', (_, args, code, text) => {
    const { fixtures } = bench({ 'a/one.yaml': CASE });
    const kernel = join(dirname(fixtures), 'bzImage');
    const words = args.map((word) => ({ FIXTURES: fixtures, KERNEL: kernel })[word] ?? word);
    const run = khoforge(words);
    expect(run.stderr).toContain(text);
    expect(run.code).toBe(code);
  });

  it.each([
    ['a/n\nl.yaml', CASE, 'is no name of a case'],
    ['b/...yaml', CASE, 'is no name of a case'],
    [
      'a/one.yaml',
      CASE.replace('subtrees', '  user: ["a\\nb"]\nsubtrees'),
      'case.user[0]: "a\\nb": expected one line',
    ],
  ])('refuses the case %j', (name, text, why) => {
    const { suite } = bench({ [name]: text });
    const { code, stderr } = suite('--list');
    expect(stderr).toContain(why);
    expect(code).toBe(2);
  });

  it('could not run without QEMU, and was skipped where no case is for the kernel', () => {
    const { suite, fixtures } = bench({
      'a/one.yaml': CASE.replace('  handover', '  arch: arm64\n  handover'),
    });
    expect(suite().code).toBe(4);
    const kernel = join(dirname(fixtures), 'bzImage');
    const other = join(temporary(), 'fixtures');
    cpSync(fixtures, other, { recursive: true });
    writeFileSync(join(other, 'a/one.yaml'), CASE);
    const run = khoforge(['suite', '--kernel', kernel, '--fixtures', other], { PATH: '/nonexistent' });
    expect(run).toMatchObject({ code: 3 });
    expect(run.stderr).toContain('cannot run qemu-system-x86_64');
  });
});
