import type { Facts } from '../abi/facts.ts';
import type { Item, ItemKind, Profile } from '../abi/profile.ts';
import { ExitCode } from '../base/errors.ts';
import { KHO, ROOT_STRING, type Subsystem, subsystemOf, versionIn } from './governing.ts';
import { byName, factsOf } from './item.ts';
import { type RawChange, rawChanges, silenceAbout } from './raw-changes.ts';

/**
 * `error`: changed, and what tells the version did not change with it; `note`: worth a look, harmless by itself;
 * `bumped`: changed, and so did the version; `could-not-check`: one source does not tell.
 */
export type Severity = 'error' | 'note' | 'bumped' | 'could-not-check';

export interface Change {
  /** Name in `b`, or else in `a`; `*` for several that one source does not tell. */
  readonly item: string;
  readonly kind: ItemKind;
  readonly change: RawChange['change'] | 'version';
  readonly subsystem: string;
  /** File that has it, in B or else in A. */
  readonly header: string;
  readonly from: Facts | null;
  readonly to: Facts | null;
  /** Name of the string or number that should have changed with it. */
  readonly governedBy: string;
  readonly bumped: boolean;
  readonly severity: Severity;
  /** In words, where the facts alone do not say it. */
  readonly why: string;
}

/** What changed from `a` to `b`, and whether the version that governs it did too. Same architecture and page size. */
export function diffProfiles(a: Profile, b: Profile): Change[] {
  const raw = rawChanges(a, b).filter(({ item }) => !isVersion(item, a, b));
  const judged = raw.map((one) => judge(one, a, b));
  const reported = judged.filter(({ change }) => change !== 'unknown');
  return [...reported, ...unknowns(judged), ...versionChanges(a, b, judged)].toSorted(byItem);
}

function judge({ item, change, from, to, why = '' }: RawChange, a: Profile, b: Profile): Change {
  const subsystem = subsystemOf(item, [a, b]);
  const bumped = isBumped(subsystem, a, b);
  const masked = !bumped && isBumped({ versions: [ROOT_STRING] }, a, b) && isBreaking(item.kind, change);
  return {
    item: item.name,
    kind: item.kind,
    change,
    subsystem: subsystem.name,
    header: item.header,
    from: from ? factsOf(from) : null,
    to: to ? factsOf(to) : null,
    governedBy: (versionIn(b, subsystem) ?? versionIn(a, subsystem))?.name ?? ROOT_STRING,
    bumped,
    severity: severityOf(item.kind, change, bumped, masked),
    why: masked ? `its own version stays; ${ROOT_STRING} changes, so that no kernel misreads it` : why,
  };
}

function severityOf(kind: ItemKind, change: RawChange['change'], bumped: boolean, masked: boolean): Severity {
  if (change === 'unknown') return 'could-not-check';
  if (!isBreaking(kind, change) || masked) return 'note';
  return bumped ? 'bumped' : 'error';
}

/**
 * Whether readers and writers on both sides of a change misunderstand each other. A number or a structure that is
 * added, or a number that is gone, says nothing by itself; what uses it does.
 */
function isBreaking(kind: ItemKind, change: RawChange['change']): boolean {
  if (change === 'changed') return true;
  if (change === 'renamed' || change === 'unknown') return false;
  if (kind === 'struct') return change === 'removed';
  return kind === 'string' || kind === 'field' || kind === 'property';
}

/** One line for all that a source does not tell for the same reason. */
function unknowns(judged: readonly Change[]): Change[] {
  const silent = judged.filter(({ change }) => change === 'unknown');
  return [...new Set(silent.map(({ why }) => why))].flatMap((why) => {
    const group = silent.filter((one) => one.why === why);
    const [first] = group;
    if (first === undefined || group.length === 1) return group;
    return [{ ...first, item: '*', from: null, to: null, why: `${group.length} items: ${why}` }];
  });
}

/** A version that changed, with whether anything changed under it. */
function versionChanges(a: Profile, b: Profile, judged: readonly Change[]): Change[] {
  const items = [...a.items, ...b.items].filter((item) => isVersion(item, a, b));
  const subsystems = new Map(
    items.map((item) => subsystemOf(item, [a, b])).map((one) => [one.versions.join(), one]),
  );
  return [...subsystems.values()].flatMap((subsystem): Change[] => {
    const [from, to] = [versionIn(a, subsystem), versionIn(b, subsystem)];
    const item = to ?? from;
    if (item === undefined || from?.value === to?.value) return [];
    if ((from === undefined && silenceAbout(item, a)) || (to === undefined && silenceAbout(item, b)))
      return [];
    const name = from && to && from.name !== to.name ? `${from.name}, ${to.name}` : item.name;
    const silent = [a, b].some(({ obtained }) => obtained === 'text');
    const covered = silent || judged.some((one) => isUnder(one, item, subsystem));
    return [
      {
        item: name,
        kind: item.kind,
        change: 'version',
        subsystem: subsystem.name,
        header: item.header,
        from: from ? factsOf(from) : null,
        to: to ? factsOf(to) : null,
        governedBy: item.name,
        bumped: true,
        severity: covered ? 'bumped' : 'note',
        why: covered ? '' : 'bumped, and nothing under it changed',
      },
    ];
  });
}

/** Whether a change is one that the version `item` speaks of; names that come and go count here too. */
function isUnder({ governedBy, change, subsystem }: Change, item: Item, { name }: Subsystem): boolean {
  if (change === 'renamed' || change === 'unknown') return false;
  return governedBy === item.name || (item.name === ROOT_STRING && subsystem === KHO && name === KHO);
}

function isBumped(subsystem: Pick<Subsystem, 'versions'>, a: Profile, b: Profile): boolean {
  return versionIn(a, subsystem)?.value !== versionIn(b, subsystem)?.value;
}

function isVersion(item: Item, a: Profile, b: Profile): boolean {
  return subsystemOf(item, [a, b]).versions.includes(item.name);
}

const byItem = (a: Change, b: Change) => byName({ name: a.item }, { name: b.item });

/** 1: changed without its version; 3: nothing of that, and one of the sources does not tell everything. */
export function diffExitCode(changes: readonly Change[]): ExitCode {
  if (changes.some(({ severity }) => severity === 'error')) return ExitCode.no;
  return changes.some(({ severity }) => severity === 'could-not-check') ? ExitCode.couldNotRun : ExitCode.ok;
}
