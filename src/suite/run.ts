import { KhoforgeError } from '../base/errors.ts';
import type { CaseText, Outcome } from '../specfile/case-schema.ts';
import type { Case } from './catalogue.ts';
import { changeSince } from './compare.ts';
import type { Journal } from './journal.ts';
import { keyOf, releaseKeyOf, type SuiteKernel } from './kernel.ts';
import type { CaseResult, Since, SuiteReport } from './result.ts';
import { type CaseOptions, runCase, whyNot } from './run-case.ts';

export interface SuiteOptions extends CaseOptions {
  /** Boots at a time. */
  readonly jobs: number;
  /** The recorded kernel to compare with, by its key; default: the release that this one is of. */
  readonly against?: string | undefined;
  readonly journal: Journal;
  /** Called after each case. */
  readonly onResult?: (result: CaseResult, done: number, total: number) => void;
}

/**
 * Asks a kernel all cases. What stops it (`signal`) leaves what was found so far.
 * @throws KhoforgeError of a case, where nothing can be asked: `QEMU_MISSING`
 */
export async function runSuite(
  cases: readonly Case[],
  kernel: SuiteKernel,
  options: SuiteOptions,
): Promise<SuiteReport> {
  const { jobs, signal, against = releaseKeyOf(kernel), onResult } = options;
  const started = performance.now();
  const results: CaseResult[] = [];
  const queue = [...cases];
  const worker = async () => {
    for (let one = queue.shift(); one && !signal?.aborted; one = queue.shift()) {
      const result = await ask(one, kernel, against, options);
      if (result === undefined) return;
      results.push(result);
      onResult?.(result, results.length, cases.length);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return {
    kernel: kernel.version,
    key: keyOf(kernel),
    against,
    results: results.sort((a, b) => (a.name < b.name ? -1 : 1)),
    cases: new Map(cases.map(({ name, text }) => [name, text])),
    left: cases.length - results.length,
    seconds: Math.round(performance.now() - started) / 1000,
  };
}

type Unanswered = Exclude<CaseResult, { readonly kind: 'ran' }>;

/** Undefined for one that was stopped. */
async function ask(
  one: Case,
  kernel: SuiteKernel,
  against: string,
  options: SuiteOptions,
): Promise<CaseResult | undefined> {
  const { name, text } = one;
  const before = text.outcomes?.[against];
  const known = options.journal.find(one);
  try {
    const why = whyNot(one, kernel);
    if (why !== undefined) return { kind: 'skipped', name, why };
    const outcome = known ?? (await runCase(one, kernel, before, options));
    if (known === undefined) options.journal.add(one, outcome);
    return { kind: 'ran', name, outcome, since: sinceOf(text, against, outcome) };
  } catch (error) {
    const result = withoutAnswer(name, error, options.signal);
    if (result) options.journal.addUnanswered(one, result);
    return result;
  }
}

/** What became of a case since a recorded kernel; undefined where nothing is recorded. */
export function sinceOf({ outcomes, handover }: CaseText, against: string, now: Outcome): Since | undefined {
  const before = outcomes?.[against];
  return before && { before, change: changeSince(before, now, handover) };
}

/** No compiler for init; and no room for this kernel, which may have it where another one is smaller. */
const NOT_ASKED: ReadonlySet<string> = new Set(['COMPILER_MISSING', 'COMPILER_FAILED', 'KEXEC_NO_ROOM']);

/** What keeps every case from being asked ends the run. */
function withoutAnswer(
  name: string,
  error: unknown,
  signal: AbortSignal | undefined,
): Unanswered | undefined {
  if (signal?.aborted) return undefined;
  if (!(error instanceof KhoforgeError) || error.code === 'QEMU_MISSING') throw error;
  return { kind: NOT_ASKED.has(error.code) ? 'skipped' : 'failed', name, why: error.message };
}
