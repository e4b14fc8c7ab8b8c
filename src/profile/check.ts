import { GENERATIONS } from '../abi/generations.ts';
import { RELEASES } from '../abi/releases.ts';
import { makeTarget, type Target } from '../abi/target.ts';
import { ExitCode } from '../errors.ts';
import { type Expected, expectedItems } from './expected.ts';
import { byName, differences, type Facts, factsOf, type Item, type ItemKind, type Profile } from './item.ts';

/**
 * `match`, `mismatch`; `absent`: the source has no such item; `unknown`: it has one that khoforge does not know;
 * `could-not-check`: it has it, and no compiler could tell.
 */
export type CheckStatus = 'match' | 'mismatch' | 'absent' | 'unknown' | 'could-not-check';

export interface CheckResult {
  readonly release: string;
  readonly arch: string;
  /** Bytes. */
  readonly pageSize: number;
  readonly item: string;
  readonly kind?: ItemKind;
  /** File of the source, where it has the item. */
  readonly header?: string;
  readonly status: CheckStatus;
  /** What khoforge has. */
  readonly expected: Facts | null;
  /** What the source has, or why that could not be told. */
  readonly actual: Facts | string | null;
}

/**
 * Compares khoforge's layouts with what headers say.
 * @param release series whose layouts are compared; default the one that `releaseFor` picks
 * @param of the target that has the layouts, where it is not the release's own
 */
export function checkProfile(profile: Profile, release = releaseFor(profile), of?: Target): CheckResult[] {
  const { arch, pageSize } = profile;
  const target = of ?? makeTarget({ release, arch, pageSize });
  const actual = new Map(profile.items.map((item) => [item.name, item]));
  const problems = new Map(profile.problems.map((problem) => [problem.name, problem]));
  const expected = expectedItems(target, release);
  const common = { release: profile.release, arch, pageSize };

  const known = expected.map((one) => {
    const item = actual.get(one.name);
    if (item !== undefined) return { ...common, ...compare(one, item) };
    const problem = problems.get(one.name);
    return {
      ...common,
      item: one.name,
      status: problem ? ('could-not-check' as const) : ('absent' as const),
      expected: factsOf(one),
      actual: problem?.reason ?? null,
      ...(problem && { header: problem.header }),
    };
  });
  return [...known, ...unknownItems(profile, expected).map((one) => ({ ...common, ...one }))].toSorted(
    (a, b) => byName({ name: a.item }, { name: b.item }),
  );
}

type PartialResult = Omit<CheckResult, 'release' | 'arch' | 'pageSize'>;

function compare(expected: Expected, item: Item): PartialResult {
  const same = Object.keys(differences(expected, item)).length === 0;
  const { kind, header, name } = item;
  const status = same ? 'match' : 'mismatch';
  return { item: name, kind, header, status, expected: factsOf(expected), actual: factsOf(item) };
}

/** What the source has and khoforge does not know, whether a compiler could read it or not. */
function unknownItems(profile: Profile, expected: readonly Expected[]): PartialResult[] {
  const known = new Set(expected.map(({ name }) => name));
  const items = profile.items.filter(({ name }) => !known.has(name));
  const problems = profile.problems.filter(({ name }) => !known.has(name));
  return [
    ...items.map((item) => ({
      item: item.name,
      kind: item.kind,
      header: item.header,
      status: 'unknown' as const,
      expected: null,
      actual: factsOf(item),
    })),
    ...problems.map(({ kind, name, header, reason }) => ({
      item: name,
      header,
      // A static_assert that fails is the tree's own statement about its layout.
      status: kind === 'assertion' ? ('mismatch' as const) : ('unknown' as const),
      expected: null,
      actual: reason,
    })),
  ];
}

/** The series whose layouts a source should have: its own, else the newest with its compatible string, else the newest. */
export function releaseFor(profile: Profile): string {
  if (RELEASES.some((release) => release === profile.release)) return profile.release;
  const compatible = profile.items.find(({ name }) => name === 'KHO_FDT_COMPATIBLE')?.value;
  const generations = GENERATIONS.filter((generation) => generation.compatible === compatible);
  const candidates = RELEASES.filter((release) =>
    generations.some(({ releases }) => releases.includes(release)),
  );
  return candidates.at(-1) ?? RELEASES[RELEASES.length - 1] ?? profile.release;
}

/** 1: a mismatch or something unknown; 3: something could not be checked; 4: nothing was compared. */
export function checkExitCode(results: readonly CheckResult[]): ExitCode {
  const some = (...statuses: CheckStatus[]) => results.some(({ status }) => statuses.includes(status));
  if (some('mismatch', 'unknown')) return ExitCode.no;
  if (some('could-not-check')) return ExitCode.couldNotRun;
  return some('match') ? ExitCode.ok : ExitCode.skipped;
}
