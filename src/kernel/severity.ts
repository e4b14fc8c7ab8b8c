import { KhoforgeError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import type { Severity } from '../model/finding.ts';
import { isVerifyCheck, VERIFY_CHECKS, type VerifyCheck } from './checks.ts';

/**
 * Severities other than the checks' own, for `verifyImage`.
 * @param names names of checks per severity; a name that is given twice takes the highest
 * @throws KhoforgeError `CHECK_UNKNOWN`
 */
export function severities(
  names: Readonly<Partial<Record<Severity, readonly string[]>>>,
): Map<VerifyCheck, Severity> {
  const result = new Map<VerifyCheck, Severity>();
  for (const severity of ['note', 'warning', 'error'] as const) {
    for (const name of names[severity] ?? []) result.set(checkNamed(name), severity);
  }
  return result;
}

function checkNamed(name: string): VerifyCheck {
  if (isVerifyCheck(name)) return name;
  throw new KhoforgeError('CHECK_UNKNOWN', `there is no check '${name}'`, {
    hint: didYouMean(name, Object.keys(VERIFY_CHECKS)).hint ?? 'docs/verify.md lists them',
  });
}
