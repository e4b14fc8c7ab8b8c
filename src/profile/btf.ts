import type { Facts } from '../abi/facts.ts';
import type { Item, ItemKind, Problem, Profile } from '../abi/profile.ts';
import type { Btf } from '../btf/btf.ts';
import { type BtfItem, btfItems } from '../btf/items.ts';
import { byName } from './item.ts';
import type { Combination } from './source.ts';

/** Enums whose values are ABI, with the enumerators that one of 7.0 to 7.3 has. */
const ENUMS: Readonly<Record<string, readonly string[]>> = {
  kho_radix_consts: [
    'KHO_ORDER_0_LOG2',
    'KHO_RADIX_KEY_WIDTH',
    'KHO_TABLE_SIZE_LOG2',
    'KHO_BITMAP_SIZE_LOG2',
    'KHO_TREE_MAX_DEPTH',
  ],
};

/** What is asked for: items of khoforge, or of another route. */
export interface Wanted extends Facts {
  readonly name: string;
  readonly kind?: ItemKind;
}

export interface ProfileBtfOptions extends Combination {
  /** Series of the kernel, such as `7.3`: BTF does not tell. */
  readonly release: string;
  /** What stands as the header of its items. */
  readonly file: string;
  readonly wanted: readonly Wanted[];
}

/**
 * What BTF says about the items that are wanted, and about further members of their structures. What BTF cannot tell
 * is a problem, with the reason.
 * @throws KhoforgeError of Btf.structLayout
 */
export function profileBtf(btf: Btf, options: ProfileBtfOptions): Profile {
  const { wanted, file, release, arch, pageSize } = options;
  const structs = [...new Set(wanted.filter(isStruct).map(({ name }) => name))];
  const found = btfItems(btf, structs, Object.keys(ENUMS));
  const why = new Map(found.missing.map((one) => [one.name, one.why]));
  const items = members(found.items, wanted).map((item) => toItem(item, file));
  const got = new Set(items.map(({ name }) => name));
  const problems = wanted.flatMap((one): Problem[] => {
    const reason = got.has(one.name) ? undefined : silence(one, why);
    return reason === undefined ? [] : [{ kind: kindOf(one), name: one.name, header: file, reason }];
  });
  return {
    release,
    version: release,
    source: file,
    arch,
    pageSize,
    obtained: 'btf',
    compiler: '',
    headers: {},
    items: items.toSorted(byName),
    problems: [...problems, alignments(file)].toSorted(byName),
  };
}

/** For the profile as a whole: no item has `align`. */
const alignments = (header: string): Problem => ({
  kind: 'struct',
  name: '*',
  header,
  reason: 'BTF has no alignments of structures',
});

/**
 * Drops what only differs in how deep one looks: a member that is a structure whose members are wanted, what is inside
 * of a member that is wanted as a whole, and flexible arrays, which take no room.
 */
function members(items: readonly BtfItem[], wanted: readonly Wanted[]): BtfItem[] {
  const names = new Set(wanted.map(({ name }) => name));
  const containers = new Set([...names].flatMap((name) => parents(name)));
  return items.filter((item) => {
    if (item.kind !== 'field' || names.has(item.name)) return true;
    const isInside = parents(item.name).some((parent) => parent.includes('.') && names.has(parent));
    return !isInside && !containers.has(item.name) && !('size' in item && item.size === 0);
  });
}

/** `a.b.c`: `a`, `a.b`. */
function parents(name: string): string[] {
  const parts = name.split('.');
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('.'));
}

function toItem(item: BtfItem, header: string): Item {
  if (item.kind !== 'enum') return { ...item, header };
  const { name, value } = item;
  const isExact = value <= BigInt(Number.MAX_SAFE_INTEGER);
  return { kind: 'enum', name, header, value: isExact ? Number(value) : `0x${value.toString(16)}` };
}

/** Why BTF does not have it; undefined for a member that its structure does not have: that is an answer. */
function silence(one: Wanted, missing: ReadonlyMap<string, string>): string | undefined {
  const kind = kindOf(one);
  if (kind === 'property') return 'BTF has no properties of device trees';
  if (kind === 'struct' || kind === 'field') {
    const [struct = ''] = one.name.split('.');
    const why = missing.get(struct);
    return why === undefined ? undefined : `struct ${struct}: ${why}`;
  }
  const tag = Object.keys(ENUMS).find((name) => ENUMS[name]?.includes(one.name));
  if (tag === undefined) return kind === 'string' ? 'BTF has no strings' : 'BTF has no macros';
  const why = missing.get(tag);
  return why === undefined ? undefined : `enum ${tag}: ${why}`;
}

const isStruct = (one: Wanted) => kindOf(one) === 'struct';

/** That of khoforge's own items shows by their names and facts. */
function kindOf({ kind, name, value }: Wanted): ItemKind {
  if (kind !== undefined) return kind;
  if (value !== undefined) return typeof value === 'string' ? 'string' : 'macro';
  if (name.includes(':')) return 'property';
  return name.includes('.') ? 'field' : 'struct';
}
