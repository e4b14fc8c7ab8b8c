import { findGeneration } from '../abi/generations.ts';
import type { Profile } from '../abi/profile.ts';
import { type Change, diffProfiles } from './diff.ts';
import { KHO, READERS, ROOT_STRING, SUBSYSTEMS, versionIn } from './governing.ts';
import { factsText } from './item.ts';

/**
 * What becomes of a subsystem's state: `ok`; `refused`: the receiver says so and goes on without; `corrupts`: it is
 * accepted and misread; `ignored`: the receiver has no reader; `none`: the producer has nothing to hand over;
 * `unknown`: a profile does not tell.
 */
export type Outcome = 'ok' | 'refused' | 'corrupts' | 'ignored' | 'none' | 'unknown';

export interface SubsystemOutcome {
  readonly subsystem: string;
  readonly outcome: Outcome;
  readonly reason: string;
}

/** `core`: the memory map and the subtrees arrive, and something else does not. */
export type CellOutcome = 'ok' | 'core' | 'refused' | 'corrupts';

/** Can `from` hand over to `to`? */
export interface CompatCell {
  readonly from: string;
  readonly to: string;
  readonly outcome: CellOutcome;
  readonly reason: string;
  readonly subsystems: readonly SubsystemOutcome[];
}

/** A kernel of the matrix. */
export interface CompatParty {
  /** As the user named it; unique in a matrix. */
  readonly name: string;
  readonly profile: Profile;
}

/** Every pair, in the order given. */
export function compatMatrix(parties: readonly CompatParty[]): CompatCell[] {
  return parties.flatMap((a) => [
    ...parties.map((b) => compatCell(a, b)),
    ...(sendsMapZero(a.profile) ? parties.map((b) => mapZeroCell(a, b)) : []),
  ]);
}

/** Whether a kernel can hand over to another one. Both of the same architecture; page sizes may differ. */
export function compatCell(from: CompatParty, to: CompatParty): CompatCell {
  const [a, b] = [from.profile, to.profile];
  const changes = diffProfiles(a, b);
  const core = coreOutcome(from, to, changes);
  const subsystems = [core];
  for (const { name, carrier: by } of READERS) {
    const carrier = subsystems.find(({ subsystem }) => subsystem === by) ?? core;
    const follows = carrier.outcome !== 'ok' && carrier.outcome !== 'unknown' && has(name, a);
    const followed = { subsystem: name, outcome: carrier.outcome, reason: `as ${carrier.subsystem}` };
    subsystems.push(follows ? followed : readerOutcome(name, from, to, changes));
  }
  const lost = subsystems.find(({ outcome }) => outcome === 'refused' || outcome === 'ignored');
  const corrupt = subsystems.find(({ outcome }) => outcome === 'corrupts');
  const names = { from: from.name, to: to.name };
  if (core.outcome === 'refused') return { ...names, outcome: 'refused', reason: core.reason, subsystems };
  if (corrupt)
    return { ...names, outcome: 'corrupts', reason: `${corrupt.subsystem}: ${corrupt.reason}`, subsystems };
  if (lost) return { ...names, outcome: 'core', reason: `${lost.subsystem}: ${lost.reason}`, subsystems };
  return { ...names, outcome: 'ok', reason: core.reason, subsystems };
}

function coreOutcome(from: CompatParty, to: CompatParty, changes: readonly Change[]): SubsystemOutcome {
  const [a, b] = [from.profile, to.profile];
  const [ours, theirs] = [rootString(a), rootString(b)];
  const as = (outcome: Outcome, reason: string) => ({ subsystem: KHO, outcome, reason });
  if (ours !== theirs) {
    return as('refused', `'${ours}' is not '${theirs}': ${to.name} boots as after a plain kexec`);
  }
  if (a.pageSize !== b.pageSize) {
    return as(
      'corrupts',
      `both say '${ours}', and no image tells its page size: ${a.pageSize} is read as ${b.pageSize}`,
    );
  }
  const changed = changes.filter(({ subsystem, severity }) => subsystem === KHO && severity === 'error');
  if (changed.length > 0) return as('corrupts', `both say '${ours}': ${changesText(changed)}`);
  return as('ok', `both say '${ours}'`);
}

function readerOutcome(
  name: string,
  from: CompatParty,
  to: CompatParty,
  changes: readonly Change[],
): SubsystemOutcome {
  const as = (outcome: Outcome, reason: string) => ({ subsystem: name, outcome, reason });
  for (const party of [from, to]) {
    const silent = party.profile.obtained === 'text' && !has(name, party.profile);
    if (silent) return as('unknown', `the profile of ${party.name} does not tell`);
  }
  if (!has(name, from.profile)) return as('none', `${from.name} has no ${name}`);
  if (!has(name, to.profile)) return as('ignored', `${to.name} has no ${name}: its memory stays reserved`);
  const mine = changes.filter(({ subsystem }) => subsystem === name);
  const bump = mine.find(({ change, from, to }) => change === 'version' && from !== null && to !== null);
  if (bump) return as('refused', changeText(bump));
  const changed = mine.filter(({ severity }) => severity === 'error');
  if (changed.length > 0) return as('corrupts', changesText(changed));
  return as('ok', 'same version, same layout');
}

function has(name: string, profile: Profile): boolean {
  return SUBSYSTEMS.some((one) => one.name === name && versionIn(profile, one) !== undefined);
}

/** Numbers, strings and whole structures; the fields of a structure that is named anyway are left out. */
function changesText(changes: readonly Change[]): string {
  const named = new Set(changes.map(({ item }) => item));
  const shown = changes.filter(({ item }) => !item.includes('.') || !named.has(item.split('.')[0] ?? ''));
  return shown.map(changeText).join('; ');
}

function changeText({ item, kind, from, to }: Change): string {
  return `${item} ${from ? factsText({ ...from, kind }) : 'none'} → ${to ? factsText({ ...to, kind }) : 'none'}`;
}

const rootString = (profile: Profile) =>
  String(versionIn(profile, { versions: [ROOT_STRING] })?.value ?? 'none');

const behaviourOf = ({ release }: Profile) => findGeneration(release);

const sendsMapZero = (profile: Profile) => behaviourOf(profile)?.sendsMapZero === true;

function mapZeroCell(a: CompatParty, b: CompatParty): CompatCell {
  const cell = compatCell(a, b);
  const from = `${cell.from} not finalized`;
  const receiver =
    rootString(a.profile) === rootString(b.profile) ? behaviourOf(b.profile)?.mapZero : undefined;
  if (receiver === undefined) return { ...cell, from };
  const [outcome, reason] =
    receiver === 'accepted'
      ? (['corrupts', 'map 0 is accepted: subtrees are found, and nothing of them is reserved'] as const)
      : (['refused', 'map 0 is refused, and only "disabling KHO revival" says so'] as const);
  return { from, to: cell.to, outcome, reason, subsystems: [{ subsystem: KHO, outcome, reason }] };
}
