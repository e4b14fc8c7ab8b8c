import type { KselftestResult } from '../kselftest/run.ts';
import { toJson } from './json.ts';
import { ktap } from './ktap.ts';

const WORDS = { pass: 'passed', fail: 'failed', skip: 'was skipped' } as const;

export function kselftestText({ boot, output, exit, outcome }: KselftestResult, name: string): string[] {
  return [
    ...output,
    `image ${boot.verdict}: ${boot.reason}`,
    `${name} ${WORDS[outcome]}${exit === null ? ': it did not end' : `, exit ${exit}`}; ${boot.seconds.toFixed(1)} s; console: ${boot.console}`,
  ];
}

/** The image, then the test with all that it printed, for `kunit.py parse` and what else reads KTAP. */
export function kselftestKtap({ boot, output, exit, outcome }: KselftestResult, name: string): string[] {
  const skip = outcome === 'skip' ? { skip: 'the test says so' } : {};
  const end = exit === null ? ['it did not end'] : [];
  return ktap([
    {
      name: 'image revived',
      ok: boot.verdict === 'revived',
      diagnostics: [...boot.proofs, ...boot.refusals],
    },
    { name, ok: outcome === 'pass', diagnostics: [...output, ...end], ...skip },
  ]);
}

export function kselftestJson({ boot, output, exit, outcome }: KselftestResult, name: string): string {
  const { verdict, reason, seconds, console } = boot;
  return toJson('kselftest', 1, { test: name, outcome, exit, verdict, reason, output, console, seconds });
}
