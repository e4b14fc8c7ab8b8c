import type { Fate } from '../specfile/case-schema.ts';
import type { Case } from '../suite/catalogue.ts';
import { firstOnlyIn } from '../suite/compare.ts';
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

/**
 * What every recorded kernel makes of each case, as tables in Markdown: the sums, the bugs, then a table for each group.
 * A kernel of which nothing but bugs is recorded has no column in the groups.
 */
export function listMarkdown(cases: readonly Case[]): string {
  const kernels = kernelsOf(cases);
  const common = kernelsOf(cases.filter(({ text }) => !text.bug));
  const groups = new Map<string, Case[]>();
  for (const one of cases) {
    const group = one.name.replace(/\/[^/]*$/, '');
    groups.set(group, [...(groups.get(group) ?? []), one]);
  }
  return [
    ...sums(cases, kernels),
    ...bugs(cases),
    ...[...groups].flatMap(([group, own]) => ['', `## ${group}`, '', ...tableOf(own, common)]),
  ].join('\n');
}

const kernelsOf = (cases: readonly Case[]): string[] =>
  [...new Set(cases.flatMap(({ text }) => Object.keys(text.outcomes ?? {})))].sort(byRelease);

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

/** Bugs of receivers that cases show: what a kernel with the bug makes of the handover, and one without. */
function bugs(cases: readonly Case[]): string[] {
  const known = cases.flatMap((one) => (one.text.bug ? [{ one, ...one.text.bug }] : []));
  if (known.length === 0) return [];
  return [
    ...['', '## Known bugs of receivers', ''],
    row(['Case', 'What goes wrong', 'Ended by', 'Before', 'After', 'Before it said', 'After it says']),
    row(Array.from({ length: 7 }, () => '---')),
    ...known.map(({ one, about, fixed = '', before, after }) =>
      row([one.name, about, fixed, sideOf(one, before), sideOf(one, after), ...differenceOf(one)]),
    ),
  ];
}

const sideOf = (one: Case, kernel: string | undefined): string =>
  kernel === undefined ? '' : `${kernel}: ${cell(one, kernel)}`;

/** The first line that only this side has, for each as code. */
function differenceOf({ text: { bug, outcomes = {} } }: Case): string[] {
  const [before, after] = [outcomes[bug?.before ?? ''], outcomes[bug?.after ?? '']];
  if (!before || !after) return ['', ''];
  return [firstOnlyIn(before, after), firstOnlyIn(after, before)].map((line) =>
    line === undefined ? '' : `\`${shortened(line.replaceAll('`', "'"))}\``,
  );
}

/** Digests, and names that are nothing but long, tell a reader nothing. */
const shortened = (line: string): string => line.replace(/(\S{12})\S{28,}(?=\S{4})/g, '$1…');

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

/** The usual architecture first, then by release or name, and page size. */
function byRelease(a: string, b: string): number {
  const [one, other] = [a, b].map((key) => Number(/ \S+ [0-9]+K$/.test(key)));
  return (one ?? 0) - (other ?? 0) || a.localeCompare(b, 'en', { numeric: true });
}
