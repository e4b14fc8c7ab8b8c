import type { Item, Profile } from '../abi/profile.ts';
import type { Governed } from '../abi/unit.ts';
import { PARTS } from '../users/registry.ts';
import { facet } from '../users/user.ts';
import { ABI_FOLDER } from './units.ts';

/** A part of the ABI with a version of its own. */
export interface Subsystem extends Governed {
  readonly name: string;
}

export const KHO = 'KHO';
/** What refuses a whole handover, whatever else changed. */
export const ROOT_STRING = 'KHO_FDT_COMPATIBLE';

/** The parts of the ABI that have a reader of their own, after KHO itself; `carrier` hands their state over. */
export const READERS = PARTS.flatMap(({ abi, carrier }) => {
  const own = facet(abi);
  return own ? [{ name: own.name, governed: own.governed, carrier: carrier ?? KHO }] : [];
});

/** Which string or number has to change with which items. The first entry whose `items` fits counts. */
export const SUBSYSTEMS: readonly Subsystem[] = [
  ...READERS.flatMap(({ name, governed }) => governed.map((one) => ({ name, ...one }))),
  {
    name: KHO,
    items: /^(KHO_|PROP_|PRESERVE_BITS|KHOSER_|khoser_|kho_|setup_data|SETUP_|chosen:)/,
    versions: [ROOT_STRING],
  },
];

/** The subsystem of an item. A header that is new to khoforge is one of its own, by its file's name. */
export function subsystemOf(item: Pick<Item, 'name' | 'header'>, sources: readonly Profile[]): Subsystem {
  const known = SUBSYSTEMS.find(({ items }) => items.test(item.name));
  const inFolder = item.header.startsWith(`${ABI_FOLDER}/`);
  const isCore = item.header === `${ABI_FOLDER}/kexec_handover.h`;
  if (known && !(known.name === KHO && inFolder && !isCore && !item.header.endsWith('/block.h')))
    return known;
  const versions = sources.flatMap(({ items }) =>
    items.filter(({ header, name }) => header === item.header && /_(COMPATIBLE|VERSION)$/.test(name)),
  );
  return {
    name: inFolder ? (item.header.split('/').at(-1) ?? KHO) : KHO,
    items: /^/,
    versions: versions.length === 0 ? [ROOT_STRING] : [...new Set(versions.map(({ name }) => name))],
  };
}

/** The version of a subsystem in a source, with the name it goes by; undefined when it has none. */
export function versionIn(profile: Profile, { versions }: Pick<Subsystem, 'versions'>): Item | undefined {
  return versions
    .map((name) => profile.items.find((item) => item.name === name))
    .find((item) => item !== undefined);
}
