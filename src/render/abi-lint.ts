import type { LintFinding } from '../profile/lint.ts';
import { toJson } from './json.ts';
import { ktap } from './ktap.ts';

/** `file:line: check: text`, as editors take it. */
export function lintText(findings: readonly LintFinding[]): string[] {
  return findings.length === 0 ? ['nothing to say'] : findings.map(findingText);
}

export function lintJson(findings: readonly LintFinding[]): string {
  return toJson('abi-lint', 1, { findings });
}

export function lintKtap(findings: readonly LintFinding[]): string[] {
  if (findings.length === 0) return ktap([{ name: 'abi lint', ok: true }]);
  return ktap(
    findings.map((finding) => ({
      name: `${finding.check} ${finding.file}`,
      ok: false,
      diagnostics: [findingText(finding)],
    })),
  );
}

const findingText = ({ file, line, check, text }: LintFinding) => `${file}:${line}: ${check}: ${text}`;
