import type { Facts } from '../abi/facts.ts';
import type { ItemKind } from '../abi/profile.ts';

/** The names of the facts, in the order in which they are shown and compared. */
export const FACTS = ['offset', 'size', 'align', 'bitOffset', 'bitWidth', 'value'] as const;

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
