import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runKselftest } from '../../src/kselftest/run.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { khoforge } from '../cli/run.ts';
import { buildKernel, RECEIVERS, sourceOf, whyUnfetchable } from './receiver.ts';
import { buildSelftest, STAGES } from './selftest.ts';

const said: string[] = [];
const folder = mkdtempSync(join(tmpdir(), 'khoforge-selftest-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  console.log(said.join('\n'));
});

const RELEASES = ['7.3', ...RECEIVERS.filter((release) => ['6.19', '7.1', '7.2'].includes(release))];

describe.each(RELEASES)(
  'the selftests of %s, in the stage after the reboot, with no stage before',
  (release) => {
    const missing = whyUnfetchable(release);

    const stages = Object.entries(STAGES).filter(([, { since = '6.19' }]) => release >= since);

    it.skipIf(missing !== undefined).for(stages)(
      '%s passes on our image',
      async ([name, { sessions, passed }]) => {
        const image = buildImage({ target: { release }, subtrees: [{ luo: { sessions } }] });
        const kernel = buildKernel('--release', release);
        const test = buildSelftest(release, name, folder);
        const { boot, output, outcome } = await runKselftest(image, {
          kernel,
          test,
          args: ['-s', '2'],
          timeout: 180,
        });
        said.push(
          `${release} ${name}: ${boot.verdict}, ${outcome}`,
          ...output.slice(0, 12).map((line) => `    ${line}`),
        );
        expect(output.join('\n')).toContain(passed);
        expect([boot.verdict, outcome]).toEqual(['revived', 'pass']);
      },
    );
  },
);

/** Pairs of releases, and whether the second takes what the first hands over (docs/generations.md). */
const PAIRS = [
  ['7.1', '7.1', true],
  ['7.2', '7.3', true],
  ['7.3', '7.2', true],
  ['7.1', '7.3', false],
] as const;

describe('a selftest with its first stage on one kernel and its second on another', () => {
  it.for(PAIRS)('%s to %s: %s', ([from, to, passes], { skip }) => {
    if (![from, to].every((release) => RELEASES.includes(release))) skip('not among the releases');
    const missing = whyUnfetchable(from) ?? whyUnfetchable(to);
    if (missing !== undefined) skip(missing);
    const programs = [from, to].map((release) => buildSelftest(release, 'luo_multi_session', folder));
    const { code, stdout } = khoforge([
      ...['kselftest', '--stage1', buildKernel('--release', from), '--stage2', buildKernel('--release', to)],
      ...['--test1', programs[0] ?? '', '--test', programs[1] ?? '', '--timeout', '300', '--json'],
    ]);
    const result = JSON.parse(stdout);
    said.push(`${from} to ${to}: ${result.verdict}, ${result.outcome}`, ...result.output.slice(0, 12));
    expect(result.stage1.steps.at(-1)).toMatchObject({ name: 'handover', state: 'done' });
    expect([code, result.outcome]).toEqual(passes ? [0, 'pass'] : [1, 'fail']);
    if (passes) expect(result.output.join('\n')).toContain(STAGES.luo_multi_session?.passed);
    else expect(result.verdict).toBe('rejected');
  });
});

describe('khoforge kselftest', () => {
  const spec = 'examples/kselftest-luo.yaml';
  const kunit = (text: string) => {
    const script = `${sourceOf('7.3')}/linux/tools/testing/kunit/kunit.py`;
    return execFileSync('python3', [script, 'parse'], {
      input: text,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  };

  it('passes the kernel’s own test, and kunit.py reads its KTAP', () => {
    const test = buildSelftest('7.3', 'luo_kexec_simple', folder);
    const args = ['kselftest', spec, '--kernel', buildKernel(), '--test', test];
    const { code, stdout } = khoforge([...args, '--format', 'ktap']);
    said.push(stdout);
    expect(code).toBe(0);
    const parsed = kunit(stdout);
    said.push(parsed);
    expect(parsed).toMatch(/passed: 2/);
    const json = JSON.parse(khoforge([...args, '--json']).stdout);
    expect(json).toMatchObject({ outcome: 'pass', exit: 0, verdict: 'revived' });
  });

  it('fails with a test that finds nothing of its own', () => {
    const test = buildSelftest('7.3', 'luo_multi_session', folder);
    const { code, stdout } = khoforge([
      'kselftest',
      spec,
      '--kernel',
      buildKernel(),
      '--test',
      test,
      '--format',
      'ktap',
    ]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ok 1 - image revived$/m);
    expect(stdout).toMatch(/^not ok 2 - luo_multi_session/m);
    expect(stdout).toContain('Stage mismatch Requested stage 2');
  });

  it.each([
    ['a script', spec, 'no 64-bit ELF program'],
    ['a dynamic program', process.execPath, 'linked dynamically'],
    ['nothing', 'nowhere', 'cannot read'],
  ])('refuses %s', (_what, test, reason) => {
    const { code, stderr } = khoforge(['kselftest', spec, '--kernel', 'none', '--test', test]);
    expect(code).toBe(2);
    expect(stderr).toContain(reason);
  });

  it('takes a source and a kernel, or two kernels', () => {
    const { code, stderr } = khoforge(['kselftest', spec, '--stage1', 'a', '--stage2', 'b', '--test', 'c']);
    expect(code).toBe(2);
    expect(stderr).toContain('--stage1 and --stage2');
  });
});
