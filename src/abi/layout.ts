import { Struct } from 'typed-struct';
import { KhoforgeError } from '../base/errors.ts';
import { isGone } from './constants.ts';
import type { Generation } from './generations.ts';
import type { Endian, Target } from './target.ts';

/** A count that is fixed, or follows from the target (arrays that fill a page). */
type Count = number | ((target: Target) => number);

type Field =
  | { kind: 'u8' | 'u16' | 'u32' | 'u64' }
  /** A C char array; shorter text is padded with NUL. */
  | { kind: 'chars'; count: Count }
  | { kind: 'u64s'; count: Count }
  /** Some bits of a u64; bit-fields that follow each other share units, as gcc packs them. */
  | { kind: 'bits'; width: number };

type ValueOf<F extends Field> = F extends { kind: 'u64' | 'bits' }
  ? bigint
  : F extends { kind: 'u8' | 'u16' | 'u32' }
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
export const bits = (width: number) => ({ kind: 'bits', width }) as const;

/** The fields of a structure that is a member of another one, as `name.field`. It must need no padding before or in it. */
export function embed<const N extends string, F extends Fields>(name: N, def: StructDef<F>) {
  const entries = Object.entries(def.fields).map(([field, type]) => [`${name}.${field}`, type]);
  return Object.fromEntries(entries) as { readonly [K in keyof F & string as `${N}.${K}`]: F[K] };
}

export type Fields = Readonly<Record<string, Field>>;

/** A structure of the kernel's ABI, before a target gives it its offsets. */
export interface StructDef<F extends Fields = Fields> {
  /** The kernel's name, without `struct`. */
  readonly name: string;
  /** Header or source file that defines it, with the kernel version it was read in. */
  readonly source: string;
  readonly packed: boolean;
  /** In the order of the C definition. */
  readonly fields: F;
}

/** The values of a structure, by field name. Arrays and texts may be shorter than their field: the rest is zero. */
export type StructValues<F extends Fields> = { -readonly [K in keyof F]: ValueOf<F[K]> };

export type FieldValue = bigint | number | string | readonly bigint[];

export interface FieldLayout {
  readonly name: string;
  readonly kind: Field['kind'];
  /** Bytes from the start of the structure; of a bit-field, those of its unit. */
  readonly offset: number;
  /** Bytes; of a bit-field, those of its unit. */
  readonly size: number;
  /** Of a bit-field: its place in the unit, from the lowest bit, and its bits. */
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

export function defineStruct<const F extends Fields>(def: StructDef<F>): StructDef<F> {
  return def;
}

/**
 * Offsets, size and alignment: those of the target's tree, where it has its own; else by the C rules of the 64-bit ABIs
 * of x86_64 and arm64 (natural alignment).
 * @throws KhoforgeError `TARGET_INEXPRESSIBLE` when the tree no longer has the structure
 */
export function layoutOf(def: StructDef, target: Target): Layout {
  const { tree, name } = target.generation;
  if (tree?.gone.has(def.name)) throw isGone(`struct ${def.name}`, name);
  return tree?.layouts.get(def.name) ?? naturalLayout(def, target);
}

function naturalLayout(def: StructDef, target: Target): Layout {
  let offset = 0;
  let align = 1;
  let usedBits = 0;
  const fields = Object.entries(def.fields).map(([name, field]): FieldLayout => {
    const unit = SCALAR_SIZE[field.kind];
    const fieldAlign = def.packed ? 1 : unit;
    align = Math.max(align, fieldAlign);
    if (field.kind === 'bits' && usedBits > 0 && usedBits + field.width <= 64) {
      usedBits += field.width;
      return bitField(name, offset - 8, usedBits, field.width);
    }
    const count = 'count' in field ? resolve(field.count, target) : 1;
    const start = Math.ceil(offset / fieldAlign) * fieldAlign;
    offset = start + unit * count;
    usedBits = field.kind === 'bits' ? field.width : 0;
    if (field.kind === 'bits') return bitField(name, start, usedBits, field.width);
    return { name, kind: field.kind, offset: start, size: unit * count };
  });
  return { name: def.name, size: Math.ceil(offset / align) * align, align, fields };
}

/** @param end bits of the unit that are taken, this field included */
function bitField(name: string, offset: number, end: number, width: number): FieldLayout {
  return { name, kind: 'bits', offset, size: 8, bits: { shift: end - width, width } };
}

/**
 * The bytes of one structure.
 * @throws KhoforgeError `FIELD_RANGE` when a value does not fit its field
 */
export function encodeStruct<F extends Fields>(
  def: StructDef<F>,
  target: Target,
  values: StructValues<F>,
): Uint8Array {
  const { layout, Struct: Compiled } = compiled(def, target);
  const raw = Buffer.alloc(layout.size);
  const instance: Record<string, unknown> = new Compiled(raw);
  for (const field of layout.fields) {
    const given: FieldValue | undefined = values[field.name];
    if (given === undefined) continue;
    const value = asKind(field.kind, given);
    checkRange(def, field, value);
    if (field.kind === 'chars') raw.write(String(value), field.offset, 'latin1');
    else if (field.bits) writeBits(raw, field, BigInt(String(value)), target.endian);
    else if (Array.isArray(value)) writeU64s(raw, field.offset, value, target.endian);
    else instance[field.name] = value;
  }
  return raw;
}

/**
 * Reads one structure from the start of `bytes`. Texts end at their first NUL.
 * @throws KhoforgeError `STRUCT_TRUNCATED` when `bytes` is shorter than the structure
 */
export function decodeStruct<F extends Fields>(
  def: StructDef<F>,
  target: Target,
  bytes: Uint8Array,
): StructValues<F> {
  const { layout, Struct: Compiled } = compiled(def, target);
  if (bytes.length < layout.size) {
    throw new KhoforgeError(
      'STRUCT_TRUNCATED',
      `struct ${def.name} takes ${layout.size} bytes, only ${bytes.length} are there`,
    );
  }
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, layout.size);
  const instance: Record<string, unknown> = new Compiled(raw);
  const entries = layout.fields.map((field): [string, FieldValue] => {
    const value = readField(raw, field, instance, target.endian);
    return [field.name, asKind(def.fields[field.name]?.kind ?? field.kind, value)];
  });
  return { ...absentValues(def, layout), ...Object.fromEntries(entries) } as StructValues<F>;
}

/** Whether the target's kernel has a field of the structure. */
export function hasField<F extends Fields>(
  def: StructDef<F>,
  target: Target,
  field: keyof F & string,
): boolean {
  return layoutOf(def, target).fields.some(({ name }) => name === field);
}

/** A number that a tree made wider or narrower is given, and wanted, as the structure's definition has it. */
function asKind(kind: Field['kind'], value: FieldValue): FieldValue {
  if (typeof value === 'number' && (kind === 'u64' || kind === 'bits') && Number.isInteger(value))
    return BigInt(value);
  return typeof value === 'bigint' && /^u(8|16|32)$/.test(kind) ? Number(value) : value;
}

/** Fields that the target's tree no longer has read as zero. */
function absentValues(def: StructDef, { fields }: Layout): Record<string, FieldValue> {
  const there = new Set(fields.map(({ name }) => name));
  const absent = Object.entries(def.fields).filter(([name]) => !there.has(name));
  const zero = { u8: 0, u16: 0, u32: 0, u64: 0n, bits: 0n, chars: '', u64s: [] } as const;
  return Object.fromEntries(absent.map(([name, { kind }]) => [name, zero[kind]]));
}

function readField(
  raw: Buffer,
  field: FieldLayout,
  instance: Record<string, unknown>,
  endian: Endian,
): FieldValue {
  const bytes = raw.subarray(field.offset, field.offset + field.size);
  if (field.kind === 'chars') {
    const end = bytes.indexOf(0);
    return bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
  }
  if (field.kind === 'u64s') {
    return Array.from({ length: field.size / 8 }, (_, i) =>
      endian === 'little' ? bytes.readBigUInt64LE(i * 8) : bytes.readBigUInt64BE(i * 8),
    );
  }
  if (field.bits) return (readUnit(bytes, endian) >> shiftOf(field.bits, endian)) & ones(field.bits.width);
  return field.kind === 'u64' ? BigInt(String(instance[field.name])) : Number(instance[field.name]);
}

const ones = (width: number) => (1n << BigInt(width)) - 1n;

function readUnit(bytes: Buffer, endian: Endian): bigint {
  return endian === 'little' ? bytes.readBigUInt64LE() : bytes.readBigUInt64BE();
}

/** gcc fills a unit from its lowest bit on a little-endian target, from its highest on a big-endian one. */
function shiftOf({ shift, width }: { shift: number; width: number }, endian: Endian): bigint {
  return BigInt(endian === 'little' ? shift : 64 - shift - width);
}

function writeBits(raw: Buffer, field: FieldLayout, value: bigint, endian: Endian): void {
  if (!field.bits) return;
  const unit = raw.subarray(field.offset, field.offset + 8);
  writeU64s(unit, 0, [readUnit(unit, endian) | (value << shiftOf(field.bits, endian))], endian);
}

function resolve(count: Count, target: Target): number {
  return typeof count === 'number' ? count : count(target);
}

function writeU64s(raw: Buffer, offset: number, values: readonly bigint[], endian: Endian): void {
  values.forEach((value, i) => {
    if (endian === 'little') raw.writeBigUInt64LE(value, offset + i * 8);
    else raw.writeBigUInt64BE(value, offset + i * 8);
  });
}

function checkRange(def: StructDef, field: FieldLayout, value: FieldValue): void {
  const width = BigInt(field.bits?.width ?? SCALAR_SIZE[field.kind] * 8);
  const fits = (one: bigint | number) => one >= 0 && BigInt(one) < 1n << width;
  let ok: boolean;
  if (field.kind === 'chars')
    ok = typeof value === 'string' && Buffer.byteLength(value, 'latin1') <= field.size;
  else if (field.kind === 'u64s') {
    ok = Array.isArray(value) && value.length * 8 <= field.size && value.every(fits);
  } else if (field.kind === 'u64' || field.bits) ok = typeof value === 'bigint' && fits(value);
  else ok = typeof value === 'number' && Number.isInteger(value) && fits(value);
  if (ok) return;
  const room =
    field.kind === 'chars'
      ? `${field.size} characters`
      : `${field.kind} of ${field.bits ? `${field.bits.width} bits` : `${field.size} bytes`}`;
  throw new KhoforgeError('FIELD_RANGE', `${def.name}.${field.name}: '${value}' does not fit ${room}`);
}

interface CompiledStruct {
  layout: Layout;
  Struct: new (raw: Buffer) => Record<string, unknown>;
}

/** By structure and generation: each tree's generation is an object of its own. */
const cache = new WeakMap<StructDef, WeakMap<Generation, Map<string, CompiledStruct>>>();

/** typed-struct knows neither C padding nor the target's byte order: both are given to it explicitly here. */
function compiled(def: StructDef, target: Target): CompiledStruct {
  const key = `${target.pageSize}/${target.endian}`;
  const perStruct = cache.get(def) ?? new WeakMap<Generation, Map<string, CompiledStruct>>();
  const perTarget = perStruct.get(target.generation) ?? new Map<string, CompiledStruct>();
  cache.set(def, perStruct.set(target.generation, perTarget));
  const known = perTarget.get(key);
  if (known) return known;

  const layout = layoutOf(def, target);
  const suffix = target.endian === 'little' ? 'LE' : 'BE';
  const struct = new Struct(def.name);
  let at = 0;
  for (const field of layout.fields) {
    // Bit-fields are read and written by hand, above.
    if (field.bits) continue;
    if (field.offset > at) struct.seek(field.offset - at);
    at = field.offset + field.size;
    if (field.kind === 'u8') struct.UInt8(field.name);
    else if (field.kind === 'u16') struct[`UInt16${suffix}`](field.name);
    else if (field.kind === 'u32') struct[`UInt32${suffix}`](field.name);
    else if (field.kind === 'u64') struct[`BigUInt64${suffix}`](field.name);
    else struct.Buffer(field.name, field.size);
  }
  if (layout.size > at) struct.seek(layout.size - at);
  const result = { layout, Struct: struct.compile() as CompiledStruct['Struct'] };
  perTarget.set(key, result);
  return result;
}
