import type { Item, Profile } from '../abi/profile.ts';
import { differences } from './item.ts';

/** A difference between two profiles, before it is judged. */
export interface RawChange {
  readonly item: Item;
  /** `unknown`: only one source has it, and the other one does not tell whether it has it. */
  readonly change: 'changed' | 'added' | 'removed' | 'renamed' | 'unknown';
  readonly from: Item | undefined;
  readonly to: Item | undefined;
  readonly why?: string;
}

/** Each item that is not the same in both. The fields of a structure that comes or goes as a whole do not count. */
export function rawChanges(a: Profile, b: Profile): RawChange[] {
  const [before, after] = [byItemName(a), byItemName(b)];
  const changed = b.items.flatMap((to): RawChange[] => {
    const from = before.get(to.name);
    const same = from === undefined || Object.keys(differences(from, to)).length === 0;
    return same ? [] : [{ item: to, change: 'changed', from, to }];
  });
  const removed = a.items.filter(({ name }) => !after.has(name) && !isPartOfMissing(name, after));
  const added = b.items.filter(({ name }) => !before.has(name) && !isPartOfMissing(name, before));
  const pairs = renames(removed, added, a, b);
  const paired = new Set(pairs.flatMap(({ from, to }) => [from, to]));
  return [
    ...changed,
    ...pairs.map(
      ({ from, to }): RawChange => ({ item: to, change: 'renamed', from, to, why: `was ${from.name}` }),
    ),
    ...removed.filter((item) => !paired.has(item)).map((item) => oneSided(item, 'removed', b)),
    ...added.filter((item) => !paired.has(item)).map((item) => oneSided(item, 'added', a)),
  ];
}

/** Why a source that lacks an item does not tell whether the kernel has it; undefined when it does tell. */
export function silenceAbout(item: Item, profile: Profile): string | undefined {
  const problem = profile.problems.find(({ name }) => name === item.name);
  if (problem) return problem.reason;
  if (profile.obtained === 'text') return `the profile of ${profile.release} is no complete one`;
  const hasSources = Object.keys(profile.headers).some((path) => path.endsWith('.c'));
  if (!item.header.endsWith('.c') || hasSources) return undefined;
  return `${profile.version} is a package of headers, without .c files`;
}

function oneSided(item: Item, change: 'added' | 'removed', other: Profile): RawChange {
  const sides = change === 'added' ? { from: undefined, to: item } : { from: item, to: undefined };
  const why = silenceAbout(item, other);
  return why === undefined ? { item, change, ...sides } : { item, change: 'unknown', ...sides, why };
}

/** A constant or structure under another name with the same content, a field under another name in the same place. */
function renames(
  removed: readonly Item[],
  added: readonly Item[],
  a: Profile,
  b: Profile,
): { from: Item; to: Item }[] {
  const taken = new Set<Item>();
  return removed.flatMap((from) => {
    const to = added.find((one) => !taken.has(one) && isRename(from, one, a, b));
    if (to === undefined) return [];
    taken.add(to);
    return [{ from, to }];
  });
}

function isRename(from: Item, to: Item, a: Profile, b: Profile): boolean {
  if (from.kind !== to.kind || Object.keys(differences(from, to)).length > 0) return false;
  if (from.kind === 'string') return true;
  if (from.kind === 'struct') return membersText(from, a) === membersText(to, b);
  return from.kind === 'field' && structOf(from.name) === structOf(to.name);
}

/** The members with their places, without the structure's name. */
function membersText({ name }: Item, { items }: Profile): string {
  const members = items.filter((item) => item.name.startsWith(`${name}.`));
  return JSON.stringify(
    members.map(({ header: _, ...item }) => ({ ...item, name: item.name.slice(name.length) })),
  );
}

function isPartOfMissing(name: string, other: ReadonlyMap<string, Item>): boolean {
  return name.includes('.') && !other.has(structOf(name));
}

const structOf = (name: string) => name.split('.')[0] ?? name;

function byItemName({ items }: Profile): Map<string, Item> {
  return new Map(items.map((item) => [item.name, item]));
}
