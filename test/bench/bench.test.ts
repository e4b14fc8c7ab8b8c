import { describe, expect, it } from 'vitest';
import { casesOf, leftOut, OPERATIONS, SIZES, WORKLOADS } from '../../src/bench/cases.ts';
import { khoforge } from '../cli/run.ts';

interface Result {
  readonly operation: string;
  readonly contender: string;
  readonly ratioToKernel: number;
}

describe('khoforge bench', () => {
  it('has every contender give the same, and compares it with the kernel', () => {
    const names = 'kernel,khoforge,khoforge-cores,typescript,memory';
    const { code, stdout, stderr } = khoforge(['bench', '--size', '1GiB', '--contender', names, '--json']);
    expect([code, stderr]).toEqual([0, '']);
    const report: { results: Result[]; disagreements: unknown[] } = JSON.parse(stdout);
    expect(report.disagreements).toEqual([]);
    for (const operation of OPERATIONS) {
      const done = report.results.filter((result) => result.operation === operation);
      expect(new Set(done.map(({ contender }) => contender))).toContain('khoforge');
      expect(
        done.filter(({ contender }) => contender === 'kernel').every((one) => one.ratioToKernel === 1),
      ).toBe(true);
    }
    expect(report.results[0]).toMatchObject({
      workload: 'dense',
      contender: 'kernel',
      operation: 'walk-ranges',
      pages: 2 ** 18,
      seconds: expect.any(Number),
    });
  }, 60_000);

  it('says of every case that it leaves out why', () => {
    const cases = casesOf(SIZES, WORKLOADS, OPERATIONS);
    const run = cases.filter((bench) => leftOut(bench) === undefined);
    expect(run.length).toBeGreaterThan(30);
    expect(leftOut({ workload: 'half', operation: 'build-sorted', size: SIZES[2] })).toMatch(
      /memory: its list/,
    );
  });

  it.each([
    ['a workload that there is not', ['--workload', 'sparse'], /expected dense/],
    ['a size that is no number of GiB', ['--size', '1MiB'], /whole GiB/],
    ['a size above the largest', ['--size', '17TiB'], /whole GiB/],
  ])('refuses %s', (_name, args, text) => {
    const { code, stderr } = khoforge(['bench', ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(text);
  });
});
