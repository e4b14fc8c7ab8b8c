import type { Facts } from '../abi/facts.ts';
import { type CheckResult, type CheckStatus, checkExitCode } from '../profile/check.ts';
import { factsText } from '../profile/item.ts';
import { toJson } from './json.ts';
import { type KtapTest, ktap } from './ktap.ts';

const ORDER: readonly CheckStatus[] = [
  'match',
  'mismatch',
  'disagree',
  'unknown',
  'absent',
  'could-not-check',
];

/** One line per combination, then what is no match. */
export function checkText(results: readonly CheckResult[]): string[] {
  return [...grouped(results)].flatMap(([name, group]) => {
    const counts = ORDER.flatMap((status) => {
      const count = group.filter((one) => one.status === status).length;
      return count > 0 ? [`${count} ${status}`] : [];
    });
    const lines = group
      .filter(({ status }) => status !== 'match' && status !== 'absent' && status !== 'could-not-check')
      .map((one) => `  ${resultText(one)}`);
    const head = `${name}: ${counts.join(', ')}${bothRoutes(group)}`;
    return [head, ...lines, ...uncheckedLines(group), ...absentLine(group)];
  });
}

/** How much of the result does not hang on one route alone. */
function bothRoutes(group: readonly CheckResult[]): string {
  const inBtf = group.filter(({ btf, status }) => btf !== undefined && status !== 'disagree');
  return inBtf.length === 0 ? '' : `; BTF has ${inBtf.length} of these items too`;
}

/** A line for each reason, with the names. */
function uncheckedLines(group: readonly CheckResult[]): string[] {
  const unchecked = group.filter(({ status }) => status === 'could-not-check');
  return [...new Set(unchecked.map(({ actual }) => String(actual)))].flatMap((why) => {
    const same = unchecked.filter(({ actual }) => actual === why);
    const [first] = same;
    if (first !== undefined && same.length === 1) return [`  ${resultText(first)}`];
    return [`  could-not-check ${same.map(({ item }) => item).join(', ')}: ${why}`];
  });
}

/** What is absent, by name; the fields of a structure that is absent go without saying. */
function absentLine(group: readonly CheckResult[]): string[] {
  const absent = new Set(group.filter(({ status }) => status === 'absent').map(({ item }) => item));
  const names = [...absent].filter((name) => !name.includes('.') || !absent.has(name.split('.')[0] ?? ''));
  return names.length === 0 ? [] : [`  absent ${names.join(', ')}`];
}

export function checkJson(results: readonly CheckResult[]): string {
  return toJson('abi-check', 1, { exitCode: checkExitCode(results), results });
}

/** A test per release, architecture and page size; what is absent or could not be checked is skipped. */
export function checkKtap(results: readonly CheckResult[]): string[] {
  return ktap(
    [...grouped(results)].map(([name, group]) => ({ name, ok: true, subtests: group.map(itemTest) })),
  );
}

function itemTest(result: CheckResult): KtapTest {
  const { item, status } = result;
  if (status === 'match') return { name: item, ok: true };
  if (status === 'absent') return { name: item, ok: true, skip: 'the source has no such item' };
  if (status === 'could-not-check')
    return { name: item, ok: true, skip: `could not check: ${result.actual}` };
  return { name: item, ok: false, diagnostics: [resultText(result)] };
}

export function resultText({
  item,
  kind,
  header,
  status,
  expected,
  actual,
  btf = null,
}: CheckResult): string {
  const text = (facts: Facts | string | null) =>
    facts === null || typeof facts === 'string' ? (facts ?? 'none') : factsText({ ...facts, kind });
  const where = header === undefined ? '' : ` (${header})`;
  if (status === 'mismatch')
    return `mismatch ${item}: khoforge ${text(expected)}, the source ${text(actual)}${where}`;
  if (status === 'disagree') return `disagree ${item}: the headers ${text(actual)}, BTF ${text(btf)}${where}`;
  if (status === 'unknown') return `unknown ${item}: ${text(actual)}${where}`;
  return `${status} ${item}${actual === null ? '' : `: ${text(actual)}`}${where}`;
}

function grouped(results: readonly CheckResult[]): Map<string, CheckResult[]> {
  const groups = new Map<string, CheckResult[]>();
  for (const result of results) {
    const name = `${result.release} ${result.arch} ${result.pageSize / 1024}K`;
    groups.set(name, [...(groups.get(name) ?? []), result]);
  }
  return groups;
}
