import type { Facts } from '../abi/facts.ts';
import type { Change, Severity } from '../profile/diff.ts';
import { diffExitCode } from '../profile/diff.ts';
import { factsText } from '../profile/item.ts';
import { toJson } from './json.ts';
import { ktap } from './ktap.ts';

export interface DiffReport {
  /** As the user named them. */
  readonly a: string;
  readonly b: string;
  readonly arch: string;
  /** Bytes. */
  readonly pageSize: number;
  readonly changes: readonly Change[];
}

const SEVERITIES: readonly Severity[] = ['error', 'bumped', 'note', 'could-not-check'];
const TITLES: Readonly<Record<Severity, string>> = {
  error: 'changed without a bump',
  bumped: 'changed, and the version with it',
  note: 'worth a look',
  'could-not-check': 'could not be checked',
};

export function diffText(reports: readonly DiffReport[]): string[] {
  return reports.flatMap(reportLines);
}

function reportLines(report: DiffReport): string[] {
  const { a, b, changes } = report;
  const head = `${a} → ${b}, ${targetText(report)}`;
  if (changes.length === 0) return [`${head}: the same`];
  const groups = SEVERITIES.flatMap((severity) => {
    const group = changes.filter((change) => change.severity === severity);
    return group.length === 0
      ? []
      : [`  ${severity}: ${TITLES[severity]}`, ...group.map((one) => `    ${changeLine(one)}`)];
  });
  return [head, ...groups];
}

function changeLine({ item, kind, change, from, to, governedBy, subsystem, severity, why }: Change): string {
  const text = (facts: Facts | null) => (facts === null ? 'none' : factsText({ ...facts, kind }));
  if (item === '*') return `${subsystem} and others: ${why}`;
  const what = change === 'version' ? '' : `${change} `;
  const values = change === 'renamed' ? text(to) : `${text(from)} → ${text(to)}`;
  const version = severity === 'error' ? `, ${governedBy} is the same` : '';
  return `${subsystem}: ${what}${item}: ${values}${version}${why === '' ? '' : ` (${why})`}`;
}

export function diffJson(reports: readonly DiffReport[]): string {
  const exitCode = diffExitCode(reports.flatMap(({ changes }) => changes));
  return toJson('abi-diff', 1, { exitCode, comparisons: reports });
}

/** A test per change; only those without a bump fail. */
export function diffKtap(reports: readonly DiffReport[]): string[] {
  return ktap(
    reports.map((report) => ({
      name: `${report.a} to ${report.b} ${targetText(report)}`,
      ok: true,
      subtests:
        report.changes.length === 0 ? [{ name: 'no change', ok: true }] : report.changes.map(changeTest),
    })),
  );
}

function changeTest(change: Change) {
  const { item, severity, why } = change;
  if (severity === 'could-not-check') return { name: item, ok: true, skip: `could not check: ${why}` };
  return { name: item, ok: severity !== 'error', diagnostics: [changeLine(change)] };
}

const targetText = ({ arch, pageSize }: DiffReport) => `${arch} ${pageSize / 1024}K`;
