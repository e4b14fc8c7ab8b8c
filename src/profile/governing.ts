import type { Item, Profile } from './item.ts';
import { ABI_FOLDER } from './units.ts';

/** A part of the ABI with a version of its own. */
export interface Subsystem {
  readonly name: string;
  /** Names of its items. */
  readonly items: RegExp;
  /** What tells its version, newest name first; the first that a source has counts. */
  readonly versions: readonly string[];
}

export const KHO = 'KHO';
/** What refuses a whole handover, whatever else changed. */
export const ROOT_STRING = 'KHO_FDT_COMPATIBLE';

/** Which string or number has to change with which items. The first entry whose `items` fits counts. */
export const SUBSYSTEMS: readonly Subsystem[] = [
  {
    name: 'kexec metadata',
    items: /^(kho_kexec_metadata\b|KHO_METADATA_|KHO_KEXEC_METADATA_|__NEW_UTS_LEN)/,
    versions: ['KHO_KEXEC_METADATA_VERSION'],
  },
  {
    name: 'test_kho',
    items: /^(kho_test:|KHO_TEST_)/,
    versions: ['KHO_TEST_COMPAT'],
  },
  // In 6.19 and 7.1 each node of LUO's tree has its string; from 7.2 on one covers them all.
  {
    name: 'LUO',
    items: /^(luo_flb_|LUO_(FDT_)?FLB_|LIVEUPDATE_FLB_)/,
    versions: ['LUO_ABI_COMPATIBLE', 'LUO_FDT_FLB_COMPATIBLE'],
  },
  {
    name: 'LUO',
    items: /^(luo_(session|file)_|LUO_(FDT_)?(SESSION|FILE)_|LIVEUPDATE_)/,
    versions: ['LUO_ABI_COMPATIBLE', 'LUO_FDT_SESSION_COMPATIBLE'],
  },
  { name: 'LUO', items: /^(luo_|LUO_)/, versions: ['LUO_ABI_COMPATIBLE', 'LUO_FDT_COMPATIBLE'] },
  { name: 'memfd', items: /^(memfd_|MEMFD_)/, versions: ['MEMFD_LUO_FH_COMPATIBLE'] },
  {
    name: 'memblock',
    items: /^(memblock:|RESERVE_MEM_)/,
    versions: ['RESERVE_MEM_KHO_NODE_COMPATIBLE'],
  },
  { name: 'memblock', items: /^MEMBLOCK_/, versions: ['MEMBLOCK_KHO_NODE_COMPATIBLE'] },
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
