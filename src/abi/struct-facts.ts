import type { Facts } from './facts.ts';
import { inexpressible } from './inexpressible.ts';
import { type FieldKind, type FieldLayout, type Layout, type StructDef, valueType } from './layout.ts';

/** Bytes of a field that is a number; a field of another size that is not declared is bytes, as a text. */
const NUMBERS: Readonly<Record<number, FieldKind>> = { 1: 'u8', 2: 'u16', 4: 'u32', 8: 'u64' };

/**
 * The layout that facts state of a structure: `NAME` has its size, `NAME.field` the place of each field.
 * @param def what its fields hold; a field that is not in it is a number, or bytes as a text
 * @param names what the kernel calls a field that has another name here
 * @throws KhoforgeError `TARGET_INEXPRESSIBLE` for a layout that fields cannot have
 */
export function layoutFrom(
  struct: string,
  facts: ReadonlyMap<string, Facts>,
  def: StructDef | undefined,
  names: Readonly<Record<string, string>>,
): Layout {
  const { size = 0, align = 1 } = facts.get(struct) ?? {};
  const ours = new Map(Object.entries(names).map(([field, kernel]) => [kernel, field]));
  const prefix = `${struct}.`;
  const fields = [...facts].flatMap(([item, place]): FieldLayout[] => {
    if (!item.startsWith(prefix)) return [];
    const kernel = item.slice(prefix.length);
    const name = ours.get(kernel) ?? kernel;
    return [placed(struct, name, place, size, def?.fields[name])];
  });
  const sorted = fields.toSorted((a, b) => firstBit(a) - firstBit(b));
  checkPlaces(struct, size, sorted);
  return { name: struct, size, align, fields: sorted };
}

const firstBit = ({ offset, bits }: FieldLayout) => offset * 8 + (bits?.shift ?? 0);
const endBit = (field: FieldLayout) => firstBit(field) + (field.bits?.width ?? field.size * 8);

function placed(
  struct: string,
  name: string,
  { offset, size, bitOffset, bitWidth }: Facts,
  room: number,
  declared: StructDef['fields'][string] | undefined,
): FieldLayout {
  if (bitOffset !== undefined && bitWidth !== undefined) {
    const value = declared && valueType(declared) !== 'list' ? valueType(declared) : 'bigint';
    const unit = unitOf(bitOffset, bitWidth, room);
    if (unit === undefined || value === 'text')
      throw inexpressible(
        `${struct}.${name}: no integer of ${room} bytes holds bits ${bitOffset} to ${bitOffset + bitWidth}`,
      );
    const bits = { shift: bitOffset - unit.offset * 8, width: bitWidth };
    return { name, kind: 'bits', value, ...unit, bits };
  }
  if (offset === undefined || size === undefined) throw inexpressible(`${struct}.${name} has no place`);
  const list = declared?.kind === 'chars' || declared?.kind === 'u64s' ? declared.kind : undefined;
  if (list === 'u64s' && size % 8 !== 0) throw inexpressible(`${struct}.${name} has ${size} bytes`);
  const kind = list ?? NUMBERS[size] ?? 'chars';
  if (declared && !list && kind === 'chars')
    throw inexpressible(`${struct}.${name}, a number, has ${size} bytes`);
  return { name, kind, value: valueType(declared ?? { kind }), offset, size };
}

/** The smallest integer that has all bits of a field. */
function unitOf(bit: number, width: number, room: number): { offset: number; size: number } | undefined {
  for (const size of [1, 2, 4, 8]) {
    const offset = Math.min(Math.floor(bit / 8), room - size);
    if (offset >= 0 && bit + width <= (offset + size) * 8) return { offset, size };
  }
  return undefined;
}

/** Fields one after the other and inside: what else C allows, such as a union, has no single value to be written. */
function checkPlaces(struct: string, size: number, fields: readonly FieldLayout[]): void {
  let end = 0;
  for (const field of fields) {
    if (firstBit(field) < end) throw inexpressible(`${struct}.${field.name} overlaps what is before it`);
    end = endBit(field);
    if (end > size * 8)
      throw inexpressible(`${struct}.${field.name} ends behind the ${size} bytes of struct ${struct}`);
  }
}
