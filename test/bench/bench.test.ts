import { describe, expect, it } from 'vitest';
import { type BenchCase, casesOf, leftOut, OPERATIONS, SIZES, WORKLOADS } from '../../src/bench/cases.ts';
import { CONTENDERS } from '../../src/bench/contenders/index.ts';
import { differing, type NamedOutcome } from '../../src/bench/run.ts';
import { khoforge } from '../cli/run.ts';

const SMALL = 2 ** 30;
/** All but CRoaring, which is installed for a benchmark alone. */
const NAMES = ['kernel', 'khoforge', 'khoforge-cores', 'typescript', 'memory'] as const;

async function outcomesOf(bench: BenchCase): Promise<NamedOutcome[]> {
  const outcomes: NamedOutcome[] = [];
  for (const name of NAMES) {
    const outcome = (await CONTENDERS[name].prepare(bench))?.run(true);
    if (outcome) outcomes.push({ name, ...outcome });
  }
  return outcomes;
}

describe('the contenders', () => {
  const cases = casesOf([SMALL], WORKLOADS, OPERATIONS).filter((bench) => leftOut(bench) === undefined);

  it.each(cases)('all give the same: $operation, $workload', async (bench) => {
    const outcomes = await outcomesOf(bench);
    const compared = outcomes.filter(({ count }) => count > 0).map(({ name }) => name);
    expect(compared).toEqual(expect.arrayContaining(['kernel', 'khoforge']));
    expect(differing(outcomes)).toEqual([]);
  });

  it('that gives something else is named', () => {
    const same = { count: 2, sum: 3n };
    const [kernel, khoforge] = [
      { name: 'kernel', ...same },
      { name: 'khoforge', ...same },
    ] as const;
    const memory = { name: 'memory', count: 0 } as const;
    expect(differing([kernel, khoforge, memory])).toEqual([]);
    for (const typescript of [
      { name: 'typescript', count: 3, sum: 3n },
      { name: 'typescript', count: 2, sum: 4n },
    ] as const)
      expect(differing([kernel, khoforge, typescript, memory])).toMatchObject([{ name: 'typescript' }]);
  });
});

describe('khoforge bench', () => {
  // A process for each contender and case, each of which moves some hundred MB: two cases are enough of that.
  it('runs each contender in a process, and compares it with the kernel', () => {
    const flags = ['--size', '1GiB', '--quick', '--contender', 'kernel,khoforge', '--json'];
    const which = ['--workload', 'half', '--operation', 'walk-ranges,build-unsorted'];
    const { code, stdout, stderr } = khoforge(['bench', ...flags, ...which]);
    expect([code, stderr]).toEqual([0, '']);
    const done = (operation: string, contender: string, ratioToKernel: unknown) => {
      const common = {
        workload: 'half',
        size: SMALL,
        pages: expect.any(Number),
        seconds: expect.any(Number),
      };
      return { ...common, operation, contender, ratioToKernel };
    };
    expect(JSON.parse(stdout)).toMatchObject({
      results: [
        done('walk-ranges', 'kernel', 1),
        done('walk-ranges', 'khoforge', expect.any(Number)),
        done('build-unsorted', 'kernel', 1),
        done('build-unsorted', 'khoforge', expect.any(Number)),
      ],
      gaps: [],
      disagreements: [],
    });
  });

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
