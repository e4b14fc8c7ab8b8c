import { firstDifference } from '../suite/compare.ts';
import { type CaseResult, counts, type SuiteReport, suitePassed } from '../suite/result.ts';
import { coverageJson, coverageText } from './coverage.ts';
import { toJson } from './json.ts';
import { type JunitTest, junit } from './junit.ts';
import { type KtapTest, ktap } from './ktap.ts';

/** A line for each case, what is not as it was with the line that differs, and the sums. */
export function suiteText(report: SuiteReport): string[] {
  const { results, left, against } = report;
  const width = Math.max(0, ...results.map(({ name }) => name.length));
  return [
    ...results.flatMap((result) => [rowOf(result, width, against), ...detailsOf(result)]),
    '',
    ...sums(report),
    ...(report.coverage ? ['', ...coverageText(report.coverage)] : []),
    ...(left > 0 ? [`${left} cases were not come to: --resume goes on with them`] : []),
  ];
}

function rowOf(result: CaseResult, width: number, against: string): string {
  const name = result.name.padEnd(width);
  if (result.kind !== 'ran') return `${name}  ${result.kind}: ${result.why}`;
  const { outcome, since } = result;
  const fate = outcome.fate.padEnd(7);
  if (since === undefined) return `${name}  ${fate}  new: nothing is recorded of ${against}`;
  return `${name}  ${fate}  ${since.change}${since.change === 'same' ? '' : ` (${against}: ${since.before.fate})`}`;
}

/** Why it is not the same. */
function detailsOf(result: CaseResult): string[] {
  if (result.kind !== 'ran' || result.since === undefined || result.since.change === 'same') return [];
  const { before } = result.since;
  const { outcome } = result;
  const difference = firstDifference(before, outcome);
  return [
    ...(outcome.flaky ? [`    other runs: ${outcome.flaky.join(', ')}`] : []),
    ...(before.fate === outcome.fate ? [] : [`    - ${before.reason}`, `    + ${outcome.reason}`]),
    ...(difference?.before === undefined ? [] : [`    - ${difference.before}`]),
    ...(difference?.now === undefined ? [] : [`    + ${difference.now}`]),
  ];
}

const FATE_WORDS = ['revives', 'refuses', 'ignores', 'warns', 'dies'];
const CHANGE_WORDS = ['same', 'better', 'worse', 'different', 'flaky', 'new'];

function sums({ results, kernel, key, against, seconds }: SuiteReport): string[] {
  const found = counts(results);
  const listed = (words: readonly string[]) =>
    words.flatMap((word) => (found[word] ? [`${found[word]} ${word}`] : [])).join(', ') || 'none';
  const rest = ['skipped', 'failed'].flatMap((word) => (found[word] ? [`${found[word]} ${word}`] : []));
  const ran = results.filter(({ kind }) => kind === 'ran').length;
  return [
    `Linux ${kernel} (${key}): ${[`${ran} cases ran`, ...rest].join(', ')}, ${seconds.toFixed(0)} s`,
    `  it ${listed(FATE_WORDS)}`,
    `  against ${against}: ${listed(CHANGE_WORDS)}`,
  ];
}

/** One test for each case: it passes where the kernel does what its release did, or better. */
export function suiteKtap({ results, cases }: SuiteReport): string[] {
  return ktap(
    results.map((result): KtapTest => {
      const { name } = result;
      if (result.kind === 'skipped') return { name, ok: true, skip: result.why };
      if (result.kind === 'failed') return { name, ok: false, diagnostics: [result.why] };
      const { outcome, since } = result;
      const ok = !['worse', 'different'].includes(since?.change ?? '');
      const about = cases.get(name)?.about ?? '';
      return { name, ok, diagnostics: [about, `${outcome.fate}: ${outcome.reason}`, ...detailsOf(result)] };
    }),
  );
}

export function suiteJson(report: SuiteReport): string {
  const { kernel, key, against, results, cases, left, seconds, coverage } = report;
  const rows = results.map((result) => {
    const text = cases.get(result.name);
    return { ...result, about: text?.about, handover: text?.handover, recorded: text?.outcomes ?? {} };
  });
  const totals = counts(results);
  return toJson('suite', 1, {
    kernel,
    key,
    against,
    passed: suitePassed(report),
    totals,
    left,
    seconds,
    ...(coverage && { coverage: coverageJson(coverage) }),
    results: rows,
  });
}

/** The same for JUnit: a group of the catalogue is a class. */
export function suiteJunit({ results, cases, kernel, seconds }: SuiteReport): string {
  const tests = results.map((result): JunitTest => {
    const { name } = result;
    const group = name.replace(/\/[^/]*$/, '').replaceAll('/', '.');
    if (result.kind === 'skipped') return { name, group, skip: result.why };
    if (result.kind === 'failed') return { name, group, failure: result.why };
    const { outcome, since } = result;
    const change = since?.change ?? 'new';
    const output = [cases.get(name)?.about ?? '', ...outcome.lines, ...(outcome.user ?? [])].join('\n');
    const failure = ['worse', 'different'].includes(change)
      ? `${change}: ${detailsOf(result).join('; ')}`
      : undefined;
    return { name, group, output, ...(failure !== undefined && { failure }) };
  });
  return junit(`khoforge suite, Linux ${kernel}`, tests, seconds);
}
