import type { BootResult } from '../boot/boot-image.ts';
import type { BootEvent } from '../boot/events.ts';
import type { Expected } from '../boot/verdict.ts';
import { toJson } from './json.ts';
import { type KtapTest, ktap } from './ktap.ts';

/** Whether everything came out as the image expects. */
export function bootPassed(result: Pick<BootResult, 'expected'>): boolean {
  return result.expected.every(({ ok }) => ok);
}

/** A few lines for people: the verdict, what proves it, what was expected and is not so, the log. */
export function bootText(result: BootResult): string[] {
  const { verdict, reason, proofs, refusals, expected, seconds } = result;
  return [
    `${verdict}: ${reason}`,
    ...proofs.map((line) => `  + ${line}`),
    ...refusals.map((line) => `  - ${line}`),
    ...expected.filter(({ ok }) => !ok).map((item) => `  expected ${describe(item)}`),
    `  ${passedCount(expected)}; ${seconds.toFixed(1)} s; console: ${result.console}`,
  ];
}

/** KTAP: one test for the verdict, and one for each line that is expected or must be absent. */
export function bootKtap(result: BootResult): string[] {
  return ktap(result.expected.map((item) => ktapTest(item, result)));
}

/** The document of `boot --json`. */
export function bootJson(result: BootResult): string {
  const { verdict, reason, expected, proofs, refusals, seconds, accel, argv } = result;
  const body = { verdict, reason, expected, proofs, refusals, console: result.console, seconds };
  return toJson('boot', 1, { ...body, kernel: result.kernelVersion, accel, argv });
}

/** One line for an event, for a person who waits; undefined for what is not worth one. */
export function progressText(event: BootEvent): string | undefined {
  if (event.type === 'fallback') return `${event.from}: ${event.reason}; falling back to ${event.to}`;
  if (event.type === 'start') return `booting with ${event.accel}`;
  return undefined;
}

function ktapTest(item: Expected, { reason, console: log }: BootResult): KtapTest {
  const about = item.kind === 'verdict' ? [reason] : [];
  const failure = item.ok ? [] : [`expected ${describe(item)}`, `console: ${log}`];
  return { name: `${item.kind} ${item.text}`, ok: item.ok, diagnostics: [...about, ...failure] };
}

function describe({ kind, text, found }: Expected): string {
  if (kind === 'verdict') return `verdict ${text}, got ${found}`;
  if (kind === 'line') return `a line with "${text}": there is none`;
  return `no line with "${text}", got "${found}"`;
}

function passedCount(expected: readonly Expected[]): string {
  const passed = expected.filter(({ ok }) => ok).length;
  return `${passed} of ${expected.length} expectations hold`;
}
