import { ExitCode } from '../base/errors.ts';
import type { FileCoverage } from '../coverage/coverage.ts';
import type { CaseText, Outcome } from '../specfile/case-schema.ts';
import type { Change } from './compare.ts';

/** What came of one case. */
export type CaseResult =
  | {
      readonly kind: 'ran';
      readonly name: string;
      readonly outcome: Outcome;
      readonly since: Since | undefined;
    }
  /** It says nothing of this kernel, or something is not installed. */
  | { readonly kind: 'skipped'; readonly name: string; readonly why: string }
  /** It could not be asked: the kernel is not to blame. */
  | { readonly kind: 'failed'; readonly name: string; readonly why: string };

/** Against what was recorded of a release. */
export interface Since {
  readonly change: Change;
  readonly before: Outcome;
}

export interface SuiteReport {
  /** Release of the kernel that was asked, e.g. `7.3.4`. */
  readonly kernel: string;
  /** What its outcomes are kept under, e.g. `7.3 arm64 16K`. */
  readonly key: string;
  /** The recorded kernel that it is compared with, by its key. */
  readonly against: string;
  /** By name. */
  readonly results: readonly CaseResult[];
  /** The cases, by name. */
  readonly cases: ReadonlyMap<string, CaseText>;
  /** Cases that were not come to. */
  readonly left: number;
  readonly seconds: number;
  /** What of the kernel was run, where that was asked for. */
  readonly coverage?: readonly FileCoverage[];
}

/** How often each word stands in a report. */
export function counts(results: readonly CaseResult[]): Readonly<Record<string, number>> {
  const all: Record<string, number> = {};
  for (const result of results) {
    const words =
      result.kind === 'ran' ? [result.outcome.fate, result.since?.change ?? 'new'] : [result.kind];
    for (const word of words) all[word] = (all[word] ?? 0) + 1;
  }
  return all;
}

/** Of a command that reports it. */
export function suiteExitCode(report: SuiteReport): ExitCode {
  const isAsked = report.left > 0 || report.results.some(({ kind }) => kind !== 'skipped');
  if (!isAsked) return ExitCode.skipped;
  return suitePassed(report) ? ExitCode.ok : ExitCode.no;
}

/** Whether nothing became worse, nothing else became of anything, and all that was to be asked was. */
export function suitePassed({ results, left }: SuiteReport): boolean {
  const isBad = (result: CaseResult) =>
    result.kind === 'failed' ||
    (result.kind === 'ran' && ['worse', 'different'].includes(result.since?.change ?? 'same'));
  return left === 0 && !results.some(isBad);
}
