import { KhoforgeError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import type { Severity } from '../model/finding.ts';
import { VERIFY_CHECKS } from '../users/registry.ts';

/**
 * Severities other than the checks' own, for `verifyImage`.
 * @param names names of checks per severity; a name that is given twice has the highest
 * @throws KhoforgeError `CHECK_UNKNOWN`
 */
export function severityOverrides(
  names: Readonly<Partial<Record<Severity, readonly string[]>>>,
): Map<string, Severity> {
  const result = new Map<string, Severity>();
  for (const severity of ['note', 'warning', 'error'] as const) {
    for (const name of names[severity] ?? []) result.set(knownCheck(name), severity);
  }
  return result;
}

function knownCheck(name: string): string {
  if (Object.hasOwn(VERIFY_CHECKS, name)) return name;
  throw new KhoforgeError('CHECK_UNKNOWN', `there is no check '${name}'`, {
    hint: didYouMean(name, Object.keys(VERIFY_CHECKS)).hint ?? 'docs/verify.md lists them',
  });
}
