import { KhoforgeError } from '../base/errors.ts';
import type { NamedFacts } from './facts.ts';
import type { FieldLayout, Layout } from './layout.ts';

interface Changes {
  readonly items: readonly NamedFacts[];
  readonly gone: readonly string[];
}

/** Bytes of a field that is a number; a new field of another size is bytes, as a text. */
const NUMBERS: Readonly<Record<number, FieldLayout['kind']>> = { 1: 'u8', 2: 'u16', 4: 'u32', 8: 'u64' };

/**
 * A structure with what a tree has moved, changed, added and removed.
 * @param names what the kernel calls a field that khoforge names otherwise
 * @throws KhoforgeError `TARGET_INEXPRESSIBLE` for a layout that the fields cannot have
 */
export function treeLayout(
  base: Layout,
  names: Readonly<Record<string, string>>,
  { items, gone }: Changes,
): Layout {
  const ours = new Map(Object.entries(names).map(([field, kernel]) => [kernel, field]));
  const own = (name: string) => name.slice(base.name.length + 1);
  const inside = items.filter(({ name }) => name.startsWith(`${base.name}.`));
  const changed = new Map(inside.map((item) => [ours.get(own(item.name)) ?? own(item.name), item]));
  const removed = new Set(
    gone.filter((name) => name.startsWith(`${base.name}.`)).map((name) => ours.get(own(name)) ?? own(name)),
  );
  const kept = base.fields.filter(({ name }) => !removed.has(name));
  const known = new Set(kept.map(({ name }) => name));
  const fields = [
    ...kept.map((field) => changedField(base.name, field, changed.get(field.name))),
    ...[...changed].flatMap(([name, item]) => (known.has(name) ? [] : [newField(base.name, name, item)])),
  ].toSorted((a, b) => a.offset - b.offset || (a.bits?.shift ?? 0) - (b.bits?.shift ?? 0));
  const whole = items.find(({ name }) => name === base.name);
  const layout = {
    name: base.name,
    size: whole?.size ?? base.size,
    align: whole?.align ?? base.align,
    fields,
  };
  checkPlaces(layout);
  return layout;
}

function changedField(struct: string, field: FieldLayout, item: NamedFacts | undefined): FieldLayout {
  if (item === undefined) return field;
  const isArray = field.kind === 'chars' || field.kind === 'u64s';
  if (!isArray || item.offset === undefined || item.size === undefined)
    return newField(struct, field.name, item);
  if (field.kind === 'u64s' && item.size % 8 !== 0)
    throw inexpressible(`struct ${struct}: ${field.name} has ${item.size} bytes`);
  return { ...field, offset: item.offset, size: item.size };
}

function newField(
  struct: string,
  name: string,
  { offset, size, bitOffset, bitWidth }: NamedFacts,
): FieldLayout {
  if (bitOffset !== undefined && bitWidth !== undefined) {
    const unit = Math.floor(bitOffset / 64) * 8;
    const shift = bitOffset - unit * 8;
    if (shift + bitWidth > 64) throw inexpressible(`struct ${struct}: the bits of ${name} are in two words`);
    return { name, kind: 'bits', offset: unit, size: 8, bits: { shift, width: bitWidth } };
  }
  if (offset === undefined || size === undefined)
    throw inexpressible(`struct ${struct}: ${name} has no place`);
  return { name, kind: NUMBERS[size] ?? 'chars', offset, size };
}

/** Fields one after the other and inside: what else C allows, such as a union, has no single value to be written. */
function checkPlaces({ name, size, fields }: Layout): void {
  let end = 0;
  for (const field of fields) {
    const shared = field.bits !== undefined && field.offset + 8 === end;
    if (field.offset < end && !shared)
      throw inexpressible(`struct ${name}: ${field.name} overlaps what is before it`);
    end = Math.max(end, field.offset + field.size);
    if (end > size) throw inexpressible(`struct ${name}: ${field.name} ends behind its ${size} bytes`);
  }
}

/** Of a change that no target can say. */
export function inexpressible(what: string): KhoforgeError {
  return new KhoforgeError(
    'TARGET_INEXPRESSIBLE',
    `of the target's ABI this is nothing that data can say: ${what}`,
    {
      hint: 'khoforge abi diff shows what changed; an image for it needs a change of khoforge',
    },
  );
}
