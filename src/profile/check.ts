import { type DeclaredItem, declaredItems, RELEASES } from '../abi/declared.ts';
import type { Facts } from '../abi/facts.ts';
import type { Item, ItemKind, Problem, Profile } from '../abi/profile.ts';
import { generationsWith, makeTarget } from '../abi/target.ts';
import { ExitCode } from '../base/errors.ts';
import { byName, differences, factsOf } from './item.ts';

/**
 * `match`, `mismatch`; `absent`: the source has no such item; `unknown`: it has one that khoforge does not know;
 * `could-not-check`: it has it, or may have it, and that could not be read; `disagree`: headers and BTF differ.
 */
export type CheckStatus = 'match' | 'mismatch' | 'absent' | 'unknown' | 'could-not-check' | 'disagree';

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
  /** What the source has, or why that could not be read. */
  readonly actual: Facts | string | null;
  /** That the result is from BTF alone, which tells no macro, string or alignment. */
  readonly route?: 'btf';
  /** What BTF has, where it was read beside headers and has the item. `null` only in `disagree`. */
  readonly btf?: Facts | null;
}

/**
 * Compares khoforge's layouts with what headers say.
 * @param release series whose layouts are compared; default the one that `releaseFor` picks
 */
export function checkProfile(profile: Profile, release = releaseFor(profile)): CheckResult[] {
  const { arch, pageSize } = profile;
  const platform = makeTarget({ release, arch, pageSize });
  const actual = new Map(profile.items.map((item) => [item.name, item]));
  const problems = new Map(profile.problems.map((problem) => [problem.name, problem]));
  const expected = declaredItems(release, platform).map((one) =>
    profile.obtained === 'btf' ? withoutAlign(one) : one,
  );
  const route = profile.obtained === 'btf' ? { route: 'btf' as const } : {};
  const common = { release: profile.release, arch, pageSize, ...route };

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

/** BTF records sizes and places; of alignments it says nothing. */
export function withoutAlign<T extends Facts>({ align: _, ...facts }: T): Omit<T, 'align'> {
  return facts;
}

type PartialResult = Omit<CheckResult, 'release' | 'arch' | 'pageSize'>;

function compare(expected: DeclaredItem, item: Item): PartialResult {
  const same = Object.keys(differences(expected, item)).length === 0;
  const { kind, header, name } = item;
  const status = same ? 'match' : 'mismatch';
  return { item: name, kind, header, status, expected: factsOf(expected), actual: factsOf(item) };
}

/** What the source has and khoforge does not know, whether a compiler could read it or not. */
function unknownItems(profile: Profile, expected: readonly DeclaredItem[]): PartialResult[] {
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
      status: problemStatus(kind, name),
      expected: null,
      actual: reason,
    })),
  ];
}

/** Of a problem with no item of khoforge; `*` is one of the source as a whole. */
function problemStatus(kind: Problem['kind'], name: string): CheckStatus {
  if (name === '*') return 'could-not-check';
  // A static_assert that fails is the tree's own statement about its layout.
  return kind === 'assertion' ? 'mismatch' : 'unknown';
}

/** The series whose layouts a source should have: its own, else the newest with its compatible string, else the newest. */
export function releaseFor(profile: Pick<Profile, 'release' | 'items'>): string {
  if (RELEASES.some((release) => release === profile.release)) return profile.release;
  const compatible = profile.items.find(({ name }) => name === 'KHO_FDT_COMPATIBLE')?.value;
  const generations = generationsWith(typeof compatible === 'string' ? compatible : undefined);
  const candidates = RELEASES.filter((release) =>
    generations.some(({ releases }) => releases.includes(release)),
  );
  return candidates.at(-1) ?? RELEASES[RELEASES.length - 1] ?? profile.release;
}

/**
 * 1: a mismatch, something unknown, or two routes that disagree; 3: something could not be checked, other than by BTF
 * alone, whose silence is no failure; 4: nothing was compared.
 */
export function checkExitCode(results: readonly CheckResult[]): ExitCode {
  const some = (...statuses: CheckStatus[]) => results.some(({ status }) => statuses.includes(status));
  if (some('mismatch', 'unknown', 'disagree')) return ExitCode.no;
  if (results.some(({ status, route }) => status === 'could-not-check' && route === undefined))
    return ExitCode.couldNotRun;
  return some('match') ? ExitCode.ok : ExitCode.skipped;
}
