import { suiteJson, suiteJunit, suiteKtap, suiteText } from '../render/suite.ts';
import type { SuiteReport } from '../suite/result.ts';
import { print, printDocument } from './print.ts';

/** Forms of a report of the suite. */
export const SUITE_FORMATS = ['text', 'json', 'ktap', 'junit'] as const;
export type SuiteFormat = (typeof SUITE_FORMATS)[number];

export function printSuite(report: SuiteReport, format: SuiteFormat): void {
  if (format === 'json') printDocument(suiteJson(report));
  else if (format === 'junit') printDocument(suiteJunit(report));
  else print(format === 'ktap' ? suiteKtap(report) : suiteText(report));
}
