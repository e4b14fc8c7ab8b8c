import type { KselftestResult } from '../kselftest/run.ts';
import type { TwoStageResult } from '../kselftest/two-stages.ts';
import { toJson } from './json.ts';
import { type KtapTest, ktap } from './ktap.ts';
import { failedStep, stepTest, stepText } from './steps.ts';

const WORDS = { pass: 'passed', fail: 'failed', skip: 'was skipped' } as const;

export function kselftestText({ boot, output, exit, outcome }: KselftestResult, name: string): string[] {
  return [
    ...output,
    `image ${boot.verdict}: ${boot.reason}`,
    `${name} ${WORDS[outcome]}${exit === null ? ': it did not end' : `, exit ${exit}`}; ${boot.seconds.toFixed(1)} s; console: ${boot.console}`,
  ];
}

/** The image, then the test with all that it printed, for `kunit.py parse` and what else reads KTAP. */
export const kselftestKtap = (result: KselftestResult, name: string): string[] => ktap(tests(result, name));

function tests({ boot, output, exit, outcome }: KselftestResult, name: string): KtapTest[] {
  const skip = outcome === 'skip' ? { skip: 'the test says so' } : {};
  const end = exit === null ? ['it did not end'] : [];
  return [
    {
      name: 'image revived',
      ok: boot.verdict === 'revived',
      diagnostics: [...boot.proofs, ...boot.refusals],
    },
    { name, ok: outcome === 'pass', diagnostics: [...output, ...end], ...skip },
  ];
}

export const kselftestJson = (result: KselftestResult, name: string): string =>
  toJson('kselftest', 1, { test: name, ...body(result) });

function body({ boot, output, exit, outcome }: KselftestResult): object {
  const { verdict, reason, seconds, console } = boot;
  return { outcome, exit, verdict, reason, output, console, seconds };
}

/** Both stages of a selftest, one after the other. */
export function twoStagesText({ first, output, second }: TwoStageResult, name: string): string[] {
  return [
    `stage 1 on ${first.kernel.version}:`,
    ...output,
    ...first.steps.map(stepText),
    ...(second ? ['stage 2:', ...kselftestText(second, name)] : [`${name} failed: nothing was handed over`]),
  ];
}

export function twoStagesKtap({ first, output, second }: TwoStageResult, name: string): string[] {
  const stage1: KtapTest = {
    name: `stage 1 on ${first.kernel.version}`,
    ok: failedStep(first) === undefined,
    diagnostics: output,
    subtests: first.steps.map(stepTest),
  };
  return ktap([stage1, ...(second ? tests(second, name) : [{ name, ok: false }])]);
}

export function twoStagesJson({ first, output, second }: TwoStageResult, name: string): string {
  return toJson('kselftest', 1, {
    test: name,
    stage1: { kernel: first.kernel, steps: first.steps, output, seconds: first.seconds },
    ...(second ? body(second) : { outcome: 'fail', exit: null, verdict: null }),
  });
}
