import type { Facts, NamedFacts } from '../abi/facts.ts';
import type { Arch, PageSize } from '../abi/target.ts';

export type { Facts } from '../abi/facts.ts';

/** `property`: what a kernel reads from a property of a device tree, by the type its code reads it as. */
export type ItemKind = 'struct' | 'field' | 'enum' | 'macro' | 'string' | 'property';

/** The names of the facts, in the order in which they are shown and compared. */
export const FACTS = ['offset', 'size', 'align', 'bitOffset', 'bitWidth', 'value'] as const;

/** One thing that a kernel's headers say. */
export interface Item extends NamedFacts {
  readonly kind: ItemKind;
  /** File of the tree that defines it. */
  readonly header: string;
}

/** Something a source has that could not be turned into facts, and why. */
export interface Problem {
  readonly kind: ItemKind | 'header' | 'assertion';
  readonly name: string;
  readonly header: string;
  /** One line, the compiler's own words where it is the compiler that refused. */
  readonly reason: string;
}

/** What the headers of one source say, for one architecture and page size. */
export interface Profile {
  /** Series, such as `7.3`. */
  readonly release: string;
  /** Full version of the source, such as `7.3.4`. */
  readonly version: string;
  /** Where it is from: a package and its version, or a commit; empty for a plain tree. */
  readonly source: string;
  readonly arch: Arch;
  readonly pageSize: PageSize;
  /** `shim`: a compiler read the headers; `text`: taken over by a person; `btf`: from a built kernel. */
  readonly obtained: 'shim' | 'text' | 'btf';
  /** Compiler and its version; empty unless `shim`. */
  readonly compiler: string;
  /** sha256 of each file that was read, by its path in the tree. */
  readonly headers: Readonly<Record<string, string>>;
  readonly items: readonly Item[];
  readonly problems: readonly Problem[];
}

/** What two items say differently: `{ offset: [8, 16] }`, empty when they agree. */
export function differences(a: Facts, b: Facts): Partial<Record<keyof Facts, [unknown, unknown]>> {
  const changed = FACTS.filter((fact) => a[fact] !== b[fact]);
  return Object.fromEntries(changed.map((fact) => [fact, [a[fact], b[fact]]]));
}

/** `offset 8, size 4`, `'kho-v4'`, `512`. */
export function factsText(item: Facts & { readonly kind?: ItemKind | undefined }): string {
  if (item.value !== undefined) return item.kind === 'string' ? `'${item.value}'` : String(item.value);
  const known = FACTS.filter((fact) => item[fact] !== undefined);
  return known.map((fact) => `${fact} ${item[fact]}`).join(', ');
}

/** Only the facts of an item. */
export function factsOf(item: Facts): Facts {
  return Object.fromEntries(FACTS.flatMap((fact) => (item[fact] === undefined ? [] : [[fact, item[fact]]])));
}

/** By name, as in every profile file; independent of locale. */
export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}
