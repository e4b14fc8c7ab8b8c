import type { Fate } from '../specfile/case-schema.ts';
import type { Case } from '../suite/catalogue.ts';
import { toJson } from './json.ts';

/** A line for each case. */
export function listText(cases: readonly Case[]): string[] {
  const width = Math.max(0, ...cases.map(({ name }) => name.length));
  return cases.map(({ name, text }) => `${name.padEnd(width)}  ${text.about}`);
}

export function listJson(cases: readonly Case[]): string {
  const rows = cases.map(({ name, text: { about, why, handover, bug, outcomes = {} } }) => ({
    ...{ name, about, why, handover, bug },
    outcomes: Object.fromEntries(Object.entries(outcomes).map(([key, { fate }]) => [key, fate])),
  }));
  return toJson('suite-list', 1, { cases: rows });
}

const FATES: readonly Fate[] = ['revives', 'refuses', 'ignores', 'warns', 'dies'];

/** What every recorded kernel makes of each case, as tables in Markdown: the sums, then a table for each group. */
export function listMarkdown(cases: readonly Case[]): string {
  const kernels = [...new Set(cases.flatMap(({ text }) => Object.keys(text.outcomes ?? {})))].sort(byRelease);
  const groups = new Map<string, Case[]>();
  for (const one of cases) {
    const group = one.name.replace(/\/[^/]*$/, '');
    groups.set(group, [...(groups.get(group) ?? []), one]);
  }
  return [
    ...sums(cases, kernels),
    ...bugs(cases, kernels),
    ...[...groups].flatMap(([group, own]) => ['', `## ${group}`, '', ...tableOf(own, kernels)]),
  ].join('\n');
}

function sums(cases: readonly Case[], kernels: readonly string[]): string[] {
  const fatesOf = (kernel: string) => cases.flatMap(({ text }) => text.outcomes?.[kernel] ?? []);
  const versionOf = (kernel: string) =>
    [...new Set(fatesOf(kernel).map((outcome) => outcome.kernel))].join(', ');
  return [
    row(['Kernel', 'Version', 'Cases', ...FATES, 'of them flaky']),
    row(['---', '---', ...Array.from({ length: FATES.length + 2 }, () => '---:')]),
    ...kernels.map((kernel) => {
      const found = fatesOf(kernel);
      const count = (fate: Fate) => String(found.filter((outcome) => outcome.fate === fate).length);
      const flaky = found.filter((outcome) => outcome.flaky).length;
      return row([kernel, versionOf(kernel), String(found.length), ...FATES.map(count), String(flaky)]);
    }),
  ];
}

function cell({ text }: Case, kernel: string): string {
  const outcome = text.outcomes?.[kernel];
  return outcome ? `${outcome.fate}${outcome.flaky ? ' (flaky)' : ''}` : '';
}

/** Bugs of receivers that cases show, on both sides of a fix where a released kernel has it. */
function bugs(cases: readonly Case[], kernels: readonly string[]): string[] {
  const known = cases.flatMap((one) => (one.text.bug ? [{ one, ...one.text.bug }] : []));
  if (known.length === 0) return [];
  return [
    ...['', '## Known bugs of receivers', ''],
    row(['Case', 'What goes wrong', 'Fixed by', ...kernels]),
    row(['---', '---', '---', ...kernels.map(() => '---')]),
    ...known.map(({ one, about, fixed = '' }) =>
      row([one.name, about, fixed, ...kernels.map((kernel) => cell(one, kernel))]),
    ),
  ];
}

function tableOf(cases: readonly Case[], kernels: readonly string[]): string[] {
  return [
    row(['Case', 'What is handed over', ...kernels]),
    row(['---', '---', ...kernels.map(() => '---')]),
    ...cases.map((one) => {
      const name = one.name.replace(/^.*\//, '');
      const about = `${one.text.handover === 'good' ? '**good**: ' : ''}${one.text.about}`;
      return row([name, about, ...kernels.map((kernel) => cell(one, kernel))]);
    }),
  ];
}

const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

/** The usual architecture first, then by release and page size. */
function byRelease(a: string, b: string): number {
  const words = ([one, other]: [string, string]) => one.split(' ').length - other.split(' ').length;
  return words([a, b]) || a.localeCompare(b, 'en', { numeric: true });
}
