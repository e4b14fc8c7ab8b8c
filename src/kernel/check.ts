import type { Severity } from '../model/finding.ts';
import type { FindingEvent, ReportDetails } from './events.ts';

/** One thing that `verify` looks at. */
export interface VerifyCheck {
  /** Unless the user promotes or demotes it. */
  readonly severity: Severity;
  /** `kernel`: the kernel makes this check. `rule`: it relies on it without checking. */
  readonly by: 'kernel' | 'rule';
  readonly text: string;
}

/** By their names, in the order in which a receiving kernel comes to them. */
export type Checks = Readonly<Record<string, VerifyCheck>>;

export const error = (by: VerifyCheck['by'], text: string): VerifyCheck => ({ severity: 'error', by, text });
export const warning = (by: VerifyCheck['by'], text: string): VerifyCheck => ({
  severity: 'warning',
  by,
  text,
});
export const note = (text: string): VerifyCheck => ({ severity: 'note', by: 'rule', text });

/** @returns what makes findings of these checks, and of no other */
export const reporter =
  <Name extends string>(checks: Readonly<Record<Name, VerifyCheck>>) =>
  (check: Name, details: ReportDetails): FindingEvent => ({
    kind: 'finding',
    check,
    severity: checks[check].severity,
    ...details,
  });
