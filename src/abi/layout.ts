import type { Arch, PageSize } from './arch.ts';

/** What decides the layout of a declared structure. */
export interface Platform {
  readonly arch: Arch;
  /** Bytes in a base page. */
  readonly pageSize: PageSize;
  /** log2 of `pageSize`. */
  readonly pageShift: 12 | 14 | 16;
}

/** A count that is fixed, or follows from the platform (arrays that fill a page). */
type Count = number | ((platform: Platform) => number);

type Field =
  | { kind: 'u8' | 'u16' | 'u32' | 'u64' }
  /** A C char array; shorter text is padded with NUL. */
  | { kind: 'chars'; count: Count }
  | { kind: 'u64s'; count: Count }
  /** Some bits of a u64; bit-fields that follow each other share units, as gcc packs them. */
  | { kind: 'bits'; width: number; value: 'bigint' | 'number' };

type ValueOf<F extends Field> = F extends { kind: 'u64' } | { kind: 'bits'; value: 'bigint' }
  ? bigint
  : F extends { kind: 'u8' | 'u16' | 'u32' } | { kind: 'bits'; value: 'number' }
    ? number
    : F extends { kind: 'chars' }
      ? string
      : readonly bigint[];

export const u16 = { kind: 'u16' } as const;
export const u32 = { kind: 'u32' } as const;
export const u64 = { kind: 'u64' } as const;
export const chars = (count: Count) => ({ kind: 'chars', count }) as const;
export const u64s = (count: Count) => ({ kind: 'u64s', count }) as const;
/** `u64 name:width` */
export const bits = (width: number) => ({ kind: 'bits', width, value: 'bigint' }) as const;
/** The same with a value of at most 32 bits, which is a number. */
export const fewBits = (width: number) => ({ kind: 'bits', width, value: 'number' }) as const;

/** The fields of a structure that is a member of another one, as `name.field`. It must need no padding before or in it. */
export function embed<const N extends string, F extends Fields>(name: N, def: StructDef<string, F>) {
  const entries = Object.entries(def.fields).map(([field, type]) => [`${name}.${field}`, type]);
  return Object.fromEntries(entries) as { readonly [K in keyof F & string as `${N}.${K}`]: F[K] };
}

export type Fields = Readonly<Record<string, Field>>;

/** A structure as khoforge declares it: what a platform's C rules then make of it is compared with real headers. */
export interface StructDef<N extends string = string, F extends Fields = Fields> {
  /** The kernel's name, without `struct`. */
  readonly name: N;
  /** Header or source file that defines it, with the kernel version it was read in. */
  readonly source: string;
  readonly packed: boolean;
  /** In the order of the C definition. */
  readonly fields: F;
}

/** The values of a structure, by field name. Arrays and texts may be shorter than their field: the rest is zero. */
export type StructValues<F extends Fields> = { -readonly [K in keyof F]: ValueOf<F[K]> };

export type FieldValue = bigint | number | string | readonly bigint[];

export type FieldKind = Field['kind'];

/** What stands for a field's value in TypeScript. */
export type ValueType = 'bigint' | 'number' | 'text' | 'list';

export interface FieldLayout {
  readonly name: string;
  readonly kind: FieldKind;
  readonly value: ValueType;
  /** Bytes from the start of the structure; of a bit-field, those of its unit. */
  readonly offset: number;
  /** Bytes; of a bit-field, those of its unit. */
  readonly size: number;
  /** Of a bit-field: its place in the unit, from the lowest bit of a little-endian one, and its bits. */
  readonly bits?: { readonly shift: number; readonly width: number };
}

export interface Layout {
  readonly name: string;
  /** Bytes, tail padding included. */
  readonly size: number;
  /** Bytes. */
  readonly align: number;
  readonly fields: readonly FieldLayout[];
}

const SCALAR_SIZE = { u8: 1, u16: 2, u32: 4, u64: 8, chars: 1, u64s: 8, bits: 8 } as const;

export function defineStruct<const N extends string, const F extends Fields>(
  def: StructDef<N, F>,
): StructDef<N, F> {
  return def;
}

const VALUE_TYPES = {
  u8: 'number',
  u16: 'number',
  u32: 'number',
  u64: 'bigint',
  chars: 'text',
  u64s: 'list',
  bits: 'bigint',
} as const satisfies Readonly<Record<FieldKind, ValueType>>;

/** What stands for the value of a field of this kind. */
export function valueType(field: Pick<Field, 'kind'> & { value?: 'bigint' | 'number' }): ValueType {
  return field.value ?? VALUE_TYPES[field.kind];
}

/** Offsets, size and alignment by the C rules of the 64-bit ABIs of x86_64 and arm64 (natural alignment). */
export function declaredLayout(def: StructDef, platform: Platform): Layout {
  let offset = 0;
  let align = 1;
  let usedBits = 0;
  const fields = Object.entries(def.fields).map(([name, field]): FieldLayout => {
    const unit = SCALAR_SIZE[field.kind];
    const fieldAlign = def.packed ? 1 : unit;
    const value = valueType(field);
    align = Math.max(align, fieldAlign);
    if (field.kind === 'bits' && usedBits > 0 && usedBits + field.width <= 64) {
      usedBits += field.width;
      return { name, value, ...bitField(offset - 8, usedBits, field.width) };
    }
    const count = 'count' in field ? resolve(field.count, platform) : 1;
    const start = Math.ceil(offset / fieldAlign) * fieldAlign;
    offset = start + unit * count;
    usedBits = field.kind === 'bits' ? field.width : 0;
    if (field.kind === 'bits') return { name, value, ...bitField(start, usedBits, field.width) };
    return { name, kind: field.kind, value, offset: start, size: unit * count };
  });
  return { name: def.name, size: Math.ceil(offset / align) * align, align, fields };
}

/** @param end bits of the unit that are used, this field included */
function bitField(offset: number, end: number, width: number) {
  return { kind: 'bits', offset, size: 8, bits: { shift: end - width, width } } as const;
}

function resolve(count: Count, platform: Platform): number {
  return typeof count === 'number' ? count : count(platform);
}
