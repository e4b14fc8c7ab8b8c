import { KEXEC_METADATA_ABI } from '../users/kexec-metadata/abi.ts';
import { KHO_TEST_ABI } from '../users/kho-test/abi.ts';
import { LUO_ABI } from '../users/luo/abi.ts';
import { MEMFD_ABI } from '../users/memfd/abi.ts';
import { MEMBLOCK_ABI } from '../users/reserve-mem/abi.ts';
import type { Arch } from './arch.ts';
import { BITMAP_CHAIN_ABI } from './declared/bitmap-chain.ts';
import { BLOCK_ABI } from './declared/block.ts';
import { BOOT_RECORD_ABI } from './declared/boot-record.ts';
import { KEXEC_HANDOVER_ABI } from './declared/kexec_handover.ts';
import type { AbiEntry, Known } from './entry.ts';
import type { Facts, NamedFacts } from './facts.ts';
import {
  declaredLayout,
  type FieldLayout,
  type Fields,
  type Platform,
  type StructDef,
  type StructValues,
} from './layout.ts';

/** The kernel releases whose ABI khoforge knows, oldest first. */
export const RELEASES = ['6.17', '6.18', '6.19', '7.0', '7.1', '7.2', '7.3'] as const;

const DECLARED = [
  ...KEXEC_HANDOVER_ABI,
  ...BITMAP_CHAIN_ABI,
  ...BLOCK_ABI,
  ...BOOT_RECORD_ABI,
  ...KEXEC_METADATA_ABI,
  ...LUO_ABI,
  ...MEMFD_ABI,
  ...MEMBLOCK_ABI,
  ...KHO_TEST_ABI,
] as const;

type Declared = (typeof DECLARED)[number];
type KeysOf<K extends 'strings' | 'numbers' | 'properties', E = Declared> =
  E extends Readonly<Record<K, infer Named>> ? keyof Named & string : never;
type DefOf<E = Declared> = E extends { readonly struct: infer Def extends StructDef } ? Def : never;

/** What Abi.text() knows: strings, and the names of properties. */
export type TextName = KeysOf<'strings'> | KeysOf<'properties'>;
/** What Abi.number() knows: constants, and the bytes of properties. */
export type NumberName = KeysOf<'numbers'> | KeysOf<'properties'>;
export type StructName = DefOf['name'];

/** The values of each structure; of one that changed, with the fields of all its forms. */
type Structs = {
  readonly [N in StructName]: StructValues<Intersect<Extract<DefOf, { readonly name: N }>['fields']>>;
};
type Intersect<U> = (U extends unknown ? (one: U) => void : never) extends (
  all: infer I extends Fields,
) => void
  ? I
  : never;

/** The values of a structure of the ABI, by the kernel's names. */
export type Struct<N extends StructName> = Structs[N];

export const STRUCT_NAMES: readonly StructName[] = [
  ...new Set(DECLARED.flatMap((entry) => ('struct' in entry ? [entry.struct.name] : []))),
];

/** The entries that a release of an architecture has. @param release series, such as `7.3` */
export function abiOf(release: string, arch: Arch): AbiEntry[] {
  const at = seriesNumber(release);
  const entries: readonly AbiEntry[] = DECLARED;
  return entries.filter(
    (entry) =>
      seriesNumber(entry.from) <= at &&
      at <= seriesNumber(entry.to ?? release) &&
      (entry.arch === undefined || entry.arch === arch),
  );
}

/** Orders series: 6.19 is before 7.0. */
export function seriesNumber(release: string): number {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  return major * 1000 + minor;
}

/** The declared form of a structure; of one that changed, that of the newest release. */
export function structDef(name: string): StructDef | undefined {
  const entries: readonly AbiEntry[] = DECLARED;
  return entries.findLast(({ struct }) => struct?.name === name)?.struct;
}

/** What the kernel calls a structure's fields that have another name here, by our name. */
export function kernelNames(struct: string): Readonly<Record<string, string>> {
  const entries: readonly AbiEntry[] = DECLARED;
  return entries.find((entry) => entry.struct?.name === struct)?.names ?? {};
}

export const FORMER_NAMES: ReadonlyMap<string, string> = new Map(
  (DECLARED as readonly AbiEntry[]).flatMap(({ formerly = {} }) => Object.entries(formerly)),
);

/** What a constant was called before. */
export const formerName = (name: string): string | undefined => FORMER_NAMES.get(name);

/** One item as khoforge declares it. */
export interface DeclaredItem extends NamedFacts {
  /** Where khoforge says it is from. */
  readonly source: string;
}

const ITEMS = new Map<string, readonly DeclaredItem[]>();

/**
 * Everything that khoforge emits or reads of a release, by the kernel's names.
 * @param release series, such as `7.3`
 */
export function declaredItems(release: string, platform: Platform): readonly DeclaredItem[] {
  const key = [release, platform.arch, platform.pageSize].join();
  const items = ITEMS.get(key) ?? evaluateItems(release, platform);
  ITEMS.set(key, items);
  return items;
}

function evaluateItems(release: string, platform: Platform): DeclaredItem[] {
  const evaluate = <T>(known: Known<T>) => (isFormula(known) ? known(platform) : known);
  return abiOf(release, platform.arch).flatMap((entry): DeclaredItem[] => {
    const { struct, names = {}, numbers = {}, strings = {}, properties = {}, from, to } = entry;
    const source = `constant of ${from}${to === undefined ? '' : ` to ${to}`}`;
    return [
      ...(struct === undefined ? [] : structItems(struct, names, platform)),
      ...Object.entries(numbers).map(([name, known]) => ({ name, source, value: evaluate(known) })),
      ...Object.entries(strings).map(([name, known]) => ({ name, source, value: evaluate(known) })),
      ...Object.entries(properties).map(([name, held]) => {
        const size = typeof held === 'number' ? held : declaredLayout(held, platform).size;
        return { name, source, size };
      }),
    ];
  });
}

function isFormula<T>(known: Known<T>): known is (platform: Platform) => T {
  return typeof known === 'function';
}

function structItems(
  def: StructDef,
  names: Readonly<Record<string, string>>,
  platform: Platform,
): DeclaredItem[] {
  const { name, size, align, fields } = declaredLayout(def, platform);
  const { source } = def;
  return [
    { name, source, size, align },
    ...fields.map((field) => ({
      name: `${name}.${names[field.name] ?? field.name}`,
      source,
      ...fieldFacts(field),
    })),
  ];
}

function fieldFacts({ offset, size, bits }: FieldLayout): Facts {
  return bits === undefined ? { offset, size } : { bitOffset: offset * 8 + bits.shift, bitWidth: bits.width };
}
