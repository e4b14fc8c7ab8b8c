import type { Btf } from './btf.ts';
import type { BtfField } from './struct-layout.ts';

/** One fact of the ABI, as BTF has it. A field is named as `offsetof` takes it, whatever its depth. */
export type BtfItem =
  /** `kho_vmalloc`; bytes. */
  | { readonly kind: 'struct'; readonly name: string; readonly size: number }
  /** `kho_vmalloc.first`, and also `kho_vmalloc.first.phys`; bytes from the start of the structure. */
  | { readonly kind: 'field'; readonly name: string; readonly offset: number; readonly size: number }
  /** A bit-field; bits from the start of the structure, counted as in BtfField. */
  | { readonly kind: 'field'; readonly name: string; readonly bitOffset: number; readonly bitWidth: number }
  /** `KHO_TREE_MAX_DEPTH`: an enumerator by its own name. */
  | { readonly kind: 'enum'; readonly name: string; readonly value: bigint };

export interface BtfItems {
  readonly items: readonly BtfItem[];
  /** The names that were asked for and gave no items. */
  readonly missing: readonly { readonly name: string; readonly why: string }[];
}

/**
 * What BTF says about structures and enums, by tag, in the order asked for. That a kernel lacks one is no error.
 * @throws KhoforgeError as Btf.structLayout
 */
export function btfItems(btf: Btf, structNames: readonly string[], enumNames: readonly string[]): BtfItems {
  const items: BtfItem[] = [];
  const missing: { name: string; why: string }[] = [];
  for (const name of structNames) {
    const layout = btf.structLayout(name, 'all');
    if (layout === undefined) {
      missing.push({ name, why: btf.isForward(name) ? 'only declared, not defined, in BTF' : 'not in BTF' });
    } else items.push({ kind: 'struct', name, size: layout.size }, ...fieldItems(name, layout.fields));
  }
  for (const name of enumNames) {
    const found = btf.enumOf(name);
    if (found === undefined) missing.push({ name, why: 'not in BTF' });
    else if (!found.complete) missing.push({ name, why: 'its values of 64 bits were cut by the encoder' });
    else items.push(...found.values.map((value) => ({ kind: 'enum', ...value }) as const));
  }
  return { items, missing };
}

function fieldItems(parent: string, fields: readonly BtfField[]): BtfItem[] {
  return fields.flatMap((field) => {
    const name = `${parent}.${field.name}`;
    return [fieldItem(name, field), ...fieldItems(name, field.fields ?? [])];
  });
}

function fieldItem(name: string, { offset, size, bitOffset, bitWidth }: BtfField): BtfItem {
  if (bitOffset === undefined || bitWidth === undefined) return { kind: 'field', name, offset, size };
  return { kind: 'field', name, bitOffset: offset * 8 + bitOffset, bitWidth };
}
