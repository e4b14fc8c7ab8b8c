import { abiOf } from '../abi/declared.ts';
import type { NamedFacts } from '../abi/facts.ts';
import { inexpressible } from '../abi/inexpressible.ts';
import { knownProfile, type Profile } from '../abi/profile.ts';
import type { Target } from '../abi/target.ts';
import type { TreeAbi } from '../abi/tree-abi.ts';
import { treeTarget } from '../abi/tree-target.ts';
import { KhoforgeError } from '../base/errors.ts';
import { type CheckResult, checkProfile, releaseFor } from './check.ts';
import { factsText } from './item.ts';

export interface ProfileTarget {
  readonly target: Target;
  /** The release that the tree is nearest to. */
  readonly base: string;
  /** What is not as in the release that the tree is nearest to, and what of it images have nothing of. */
  readonly notes: readonly string[];
}

/**
 * The target that a kernel tree's headers describe: its strings, constants and layouts in place of those of the
 * release that it is nearest to.
 * @throws KhoforgeError `TARGET_INEXPRESSIBLE` naming what data alone cannot say
 */
export function targetOf(profile: Profile): ProfileTarget {
  if (profile.obtained === 'btf') {
    throw new KhoforgeError(
      'TARGET_UNKNOWN',
      'BTF has no strings and no macros: no image can be made from it alone',
      {
        hint: 'khoforge abi profile --tree DIR reads the headers',
      },
    );
  }
  const base = releaseFor(profile);
  const results = checkProfile(profile, base);
  refuseUnread(results);
  const { abi, absent } = treeAbi(profile, base, results);
  const target = treeTarget(abi);
  return {
    target,
    base,
    notes: [...changeNotes(abi, results), ...newNotes(abi, results), ...absentNote(absent, base)],
  };
}

interface Difference {
  readonly abi: TreeAbi;
  /** What the profile does not tell: then it is as in the base. */
  readonly absent: readonly string[];
}

function treeAbi(profile: Profile, base: string, results: readonly CheckResult[]): Difference {
  const { arch, pageSize, headers } = profile;
  const structs = new Set(abiOf(base, arch).flatMap(({ struct }) => struct?.name ?? []));
  const headerOf = new Map(
    knownProfile(base, arch, pageSize)?.items.map(({ name, header }) => [name, header]),
  );
  const absent = results.filter(({ status }) => status === 'absent').map(({ item }) => item);
  const present = new Set(profile.items.map(({ name }) => name));
  const isGone = (name: string) =>
    Object.hasOwn(headers, headerOf.get(name) ?? '') || present.has(name.split('.')[0] ?? '');
  const items = results.flatMap(({ item, status, actual }): NamedFacts[] => {
    if (actual === null || typeof actual === 'string') return [];
    const isField = status === 'unknown' && item.includes('.') && structs.has(item.split('.')[0] ?? '');
    return status === 'mismatch' || isField ? [{ name: item, ...actual }] : [];
  });
  return {
    abi: { base, arch, pageSize, items, gone: absent.filter(isGone) },
    absent: absent.filter((name) => !isGone(name)),
  };
}

/** What the compiler could not read may be anything. */
function refuseUnread(results: readonly CheckResult[]): void {
  const unread = results.filter(
    ({ status, actual }) =>
      status === 'could-not-check' || (status === 'mismatch' && typeof actual === 'string'),
  );
  if (unread.length > 0) {
    throw inexpressible(
      unread.map(({ item, actual }) => `${item}, which could not be read (${actual})`).join('; '),
    );
  }
}

function changeNotes({ base, gone }: TreeAbi, results: readonly CheckResult[]): string[] {
  const changed = results.flatMap(({ item, kind, status, expected, actual }) => {
    if (status !== 'mismatch' || actual === null || typeof actual === 'string' || expected === null)
      return [];
    return [`${item}: ${factsText({ ...actual, kind })}; in ${base} ${factsText({ ...expected, kind })}`];
  });
  return [...changed, ...outermost(gone).map((name) => `${name} is gone; ${base} has it`)];
}

/** Of a structure that is gone the fields go without saying. */
function outermost(names: readonly string[]): string[] {
  const all = new Set(names);
  return names.filter((name) => !name.includes('.') || !all.has(name.split('.')[0] ?? ''));
}

function newNotes({ items }: TreeAbi, results: readonly CheckResult[]): string[] {
  const fields = new Set(items.map(({ name }) => name));
  const news = results.filter(({ status }) => status === 'unknown');
  const names = new Set(news.map(({ item }) => item));
  return news.flatMap(({ item, header }) => {
    if (fields.has(item)) return [`${item} is new: written as 0, unless the spec overrides it`];
    if (names.has(item.split('.')[0] ?? '') && item.includes('.')) return [];
    return [`${item} is new (${header}): images have nothing of it`];
  });
}

function absentNote(absent: readonly string[], base: string): string[] {
  if (absent.length === 0) return [];
  return [`not in the headers that were read, so as in ${base}: ${outermost(absent).join(', ')}`];
}
