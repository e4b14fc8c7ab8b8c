import type { CaseText, Fate, Outcome } from '../specfile/case-schema.ts';

/** What became of a case since a release. */
export type Change = 'same' | 'better' | 'worse' | 'different' | 'flaky';

/** From worst to best, of a handover that something is wrong with: what is accepted in silence is misread. */
const OF_BAD: readonly Fate[] = ['dies', 'warns', 'revives', 'ignores', 'refuses'];
/** Of a good one. */
const OF_GOOD: readonly Fate[] = ['dies', 'warns', 'ignores', 'refuses', 'revives'];

/**
 * Compares what two kernels made of one case.
 * @param handover whether it is good or bad: a good one that is refused is no better than one that is misread
 */
export function changeSince(before: Outcome, now: Outcome, handover: CaseText['handover']): Change {
  if (before.flaky || now.flaky) return 'flaky';
  const order = handover === 'good' ? OF_GOOD : OF_BAD;
  const step = order.indexOf(now.fate) - order.indexOf(before.fate);
  if (step !== 0) return step > 0 ? 'better' : 'worse';
  return isSame(before, now) ? 'same' : 'different';
}

/** Whether two runs came to the same, but for what differs from build to build and from run to run. */
export function isSame(a: Outcome, b: Outcome): boolean {
  return a.fate === b.fate && firstDifference(a, b) === undefined;
}

/** The first line that only one of them has; `-` before, `+` now. */
export function firstDifference(
  before: Outcome,
  now: Outcome,
): { before?: string; now?: string } | undefined {
  const [old, fresh] = [textsOf(before), textsOf(now)];
  const at = Array.from({ length: Math.max(old.length, fresh.length) }, (_, i) => i).find(
    (i) => bare(old[i]) !== bare(fresh[i]),
  );
  if (at === undefined) return undefined;
  const [one, other] = [old[at], fresh[at]];
  return { ...(one !== undefined && { before: one }), ...(other !== undefined && { now: other }) };
}

/** The first line of one that the other has nowhere. */
export function firstOnlyIn(one: Outcome, other: Outcome): string | undefined {
  const known = new Set(textsOf(other).map(bare));
  return textsOf(one).find((line) => !known.has(bare(line)));
}

const textsOf = ({ lines, user = [] }: Outcome): string[] => [...lines, ...user];

/** What names a place in one build, a process or a processor: none of it is about the handover. */
const BUILD: readonly (readonly [RegExp, string])[] = [
  [/^WARNING: (?:CPU: \d+ PID: \d+ )?at /, 'WARNING: at '],
  [/^WARNING: (\S+?):\d+ at (\w+)(?:\+0x[0-9a-f]+\/0x[0-9a-f]+)?.*/, 'WARNING: $1 at $2'],
  [/(\.[ch]):\d+/g, '$1'],
  [/\+0x[0-9a-f]+\/0x[0-9a-f]+/g, ''],
  [/, CPU#\d+.*/, ''],
  [/\b(?:CPU|PID): \d+/g, ''],
  [/^(PANIC: early exception 0x[0-9a-f]+) .*/, '$1'],
  [/\baddress:? (?:0x)?[0-9a-f]+\b/g, 'address ADDRESS'],
  [/\b[0-9a-f]{16}\b/g, 'ADDRESS'],
];

const bare = (line: string | undefined) =>
  line === undefined ? undefined : BUILD.reduce((text, [what, as]) => text.replace(what, as), line);
