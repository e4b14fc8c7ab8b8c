import { z } from 'zod';
import { VERDICTS } from '../specfile/case-schema.ts';
import { isShard, missingShards } from '../suite/shard.ts';

export const KINDS = ['same', 'open', 'refused', 'flaky', 'differs', 'fault', 'bug'] as const;

const text = z.string();

/** What came of one run. */
const attemptEntry = z.object({
  run: z.number().int().nonnegative(),
  kind: z.enum(KINDS),
  /** Of what differs, and of a bug. */
  group: text.optional(),
  /** Of what `build` refuses. */
  code: text.optional(),
  /** Lines of the kernel that it was the first to reach, where that was asked for: `mm/memfd_luo.c:310`. */
  lines: z.array(text).optional(),
});

/** The first run of a group, reduced to the fewest mutations that show it. */
const findingEntry = z.object({
  /** It names a folder: see groupOf(). */
  finding: text.regex(/^[a-z]+(?:-[a-z]+)*-[0-9a-f]{8}$/),
  run: z.number().int().nonnegative(),
  base: text,
  mutations: z.array(text),
  /** What a sanitizer found in the kernel's code. */
  fault: text.optional(),
  /** Of a bug of khoforge. */
  bug: text.optional(),
  difference: z
    .object({
      predicted: z.enum(VERDICTS),
      actual: z.enum(VERDICTS),
      foretold: text.optional(),
      said: text.optional(),
      check: text.optional(),
    })
    .optional(),
});

/** All that a part was to do was done. */
const endEntry = z.object({
  /** The part: `3/16`. */
  ended: text.refine(isShard),
  /** Runs of all parts together; null for no limit. */
  count: z.number().int().positive().nullable(),
});

export const fuzzEntry = z.union([attemptEntry, findingEntry, endEntry]);

export type AttemptEntry = z.output<typeof attemptEntry>;
export type Finding = z.output<typeof findingEntry>;
export type FuzzEntry = z.output<typeof fuzzEntry>;

/** Differences of one cause. */
export interface Group {
  readonly finding: Finding;
  /** Numbers of the runs that showed it, ascending. */
  readonly runs: readonly number[];
}

export interface FuzzReport {
  /** Release of the kernel, e.g. `7.3.4`. */
  readonly kernel: string;
  readonly seed: string;
  /** How many runs came to what. */
  readonly totals: Readonly<Record<(typeof KINDS)[number], number>>;
  /** What `build` refused, by the code of the error. */
  readonly refused: Readonly<Record<string, number>>;
  /** Those with most runs first. */
  readonly groups: readonly Group[];
  /** Of this time: runs that could not be asked, by the reason. */
  readonly failed: Readonly<Record<string, number>>;
  /** Lines of the kernel's code that receives, where that was asked for. */
  readonly lines?: { readonly reached: number; readonly of?: number };
  /** Whether it came to no end, by a signal or by a part that is not there. */
  readonly stopped: boolean;
  readonly seconds: number;
}

/** Makes a report of what was kept, in whatever order. */
export function fuzzReport(
  entries: Iterable<FuzzEntry>,
  rest: Pick<FuzzReport, 'kernel' | 'seed' | 'failed' | 'stopped' | 'seconds'>,
  lineCount?: number,
): FuzzReport {
  const attempts = new Map<number, AttemptEntry>();
  const findings = new Map<string, Finding>();
  for (const one of entries) {
    if ('finding' in one) {
      const known = findings.get(one.finding);
      if (!known || one.run < known.run) findings.set(one.finding, one);
    } else if ('run' in one) attempts.set(one.run, bothOf(attempts.get(one.run) ?? one, one));
  }
  const all = [...attempts.values()];
  const runsOf = (group: string) =>
    all
      .filter((one) => one.group === group)
      .map(({ run }) => run)
      .sort((a, b) => a - b);
  const groups = [...findings.values()]
    .map((finding) => ({ finding, runs: runsOf(finding.finding) }))
    .filter(({ runs }) => runs.length > 0);
  const byName = (a: Group, b: Group) => (a.finding.finding < b.finding.finding ? -1 : 1);
  const lines = new Set(all.flatMap((one) => one.lines ?? []));
  return {
    ...(lines.size > 0 && {
      lines: { reached: lines.size, ...(lineCount !== undefined && { of: lineCount }) },
    }),
    totals: Object.assign(
      { same: 0, open: 0, refused: 0, flaky: 0, differs: 0, fault: 0, bug: 0 },
      countOf(all.map(({ kind }) => kind)),
    ),
    refused: countOf(all.flatMap(({ code }) => code ?? [])),
    groups: groups.sort((a, b) => b.runs.length - a.runs.length || byName(a, b)),
    ...rest,
  };
}

/** Two machines that did the same run came to two ends. */
const bothOf = (one: AttemptEntry, other: AttemptEntry): AttemptEntry =>
  one.kind === other.kind && one.group === other.group
    ? one
    : { run: one.run, kind: 'flaky', lines: [...(one.lines ?? []), ...(other.lines ?? [])] };

/** The parts that came to their end, with how many runs all were to do. */
export const endsOf = (entries: Iterable<FuzzEntry>): ReadonlyMap<string, number | null> =>
  new Map([...entries].flatMap((one) => ('ended' in one ? [[one.ended, one.count] as const] : [])));

/** How many runs the parts that ended did together, where they are the whole; undefined where they are not. */
export function wholeCount(ends: ReadonlyMap<string, number | null>): number | null | undefined {
  const counts = new Set(ends.values());
  return counts.size === 1 && missingShards([...ends.keys()]).length === 0 ? [...counts][0] : undefined;
}

export function countOf(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words.toSorted()) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

/** Whether the kernel did all that was foretold, and all that was to be asked was. */
export function fuzzPassed({ groups, failed, stopped }: FuzzReport): boolean {
  return groups.length === 0 && Object.keys(failed).length === 0 && !stopped;
}
