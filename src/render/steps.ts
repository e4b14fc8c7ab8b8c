import type { Step } from '../first-kernel/steps.ts';
import type { KtapTest } from './ktap.ts';

/** The step of a first kernel that failed, where one did. */
export const failedStep = ({ steps }: { readonly steps: readonly Step[] }): Step | undefined =>
  steps.find(({ state }) => state === 'failed');

export const stepText = ({ name, text }: Step): string => `${name.padEnd(10)} ${text}`;

export const stepHints = ({ add }: Step): string[] => (add ? [`add to the ${add.to}: ${add.line}`] : []);

/** What a kernel does not have is skipped. */
export function stepTest(step: Step): KtapTest {
  const { name, state, text } = step;
  const skip = state === 'absent' ? { skip: text } : {};
  return { name, ok: state === 'done', diagnostics: [text, ...stepHints(step)], ...skip };
}
