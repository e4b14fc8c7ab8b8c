import { KhoforgeError } from '../base/errors.ts';
import { decodeText, encodeText } from '../base/text.ts';
import type { Endian } from './endian.ts';
import type { FieldLayout, FieldValue, Layout } from './layout.ts';

type Values = Record<string, FieldValue>;
type Reader = (bytes: Buffer, at: number) => FieldValue;
type Writer = (bytes: Buffer, at: number, value: FieldValue) => void;

/** Reads and writes one structure of a target. `V` is its values by field name. */
export interface Codec<V> {
  readonly name: string;
  readonly layout: Layout;
  /** Bytes. */
  readonly size: number;
  /** Whether the target's kernel has a field. */
  has(field: keyof V & string): boolean;
  /**
   * Writes the structure at `at`; padding and what `values` leaves out become zero.
   * @throws KhoforgeError `FIELD_RANGE` when a value does not fit its field
   */
  write(bytes: Buffer, at: number, values: V): void;
  /** The structure at `at`. Texts end at their first NUL; fields that the target's kernel does not have are zero. */
  read(bytes: Buffer, at: number): V;
  /** The bytes of one structure. @throws KhoforgeError `FIELD_RANGE` */
  encode(values: V): Uint8Array;
  /** From the start of `bytes`. @throws KhoforgeError `STRUCT_TRUNCATED` when they are too few */
  decode(bytes: Uint8Array): V;
}

/**
 * Compiles a layout to one closure per field, which know offset, width and byte order.
 * @param zero what a structure has where the layout has no such field
 */
export function compileCodec<V>(layout: Layout, endian: Endian, zero: V): Codec<V> {
  const { name, size, fields } = layout;
  const compiled = fields.map((field) => ({ key: field.name, ...compileField(name, field, endian) }));
  const absent = Object.entries(zero as Values).filter(([key]) => !fields.some((one) => one.name === key));
  const codec: Codec<V> = {
    name,
    layout,
    size,
    has: (field) => fields.some((one) => one.name === field),
    write(bytes, at, values) {
      bytes.fill(0, at, at + size);
      const given: Partial<Values> = values as Values;
      for (const { key, write } of compiled) {
        const value = given[key];
        if (value !== undefined) write(bytes, at, value);
      }
    },
    read(bytes, at) {
      const values: Values = {};
      for (const { key, read } of compiled) values[key] = read(bytes, at);
      for (const [key, value] of absent) values[key] = value;
      return values as V;
    },
    encode(values) {
      const bytes = Buffer.alloc(size);
      codec.write(bytes, 0, values);
      return bytes;
    },
    decode(bytes) {
      if (bytes.length >= size) return codec.read(Buffer.from(bytes.buffer, bytes.byteOffset, size), 0);
      throw new KhoforgeError(
        'STRUCT_TRUNCATED',
        `struct ${name} takes ${size} bytes, only ${bytes.length} are there`,
      );
    },
  };
  return codec;
}

function compileField(struct: string, field: FieldLayout, endian: Endian): { read: Reader; write: Writer } {
  const refuse = (value: FieldValue) => doesNotFit(struct, field, value);
  if (field.kind === 'chars') return textField(field, refuse);
  if (field.kind === 'u64s') return listField(field, endian, refuse);
  if (field.bits) return bitField(field, field.bits, endian, refuse);
  return wholeField(field, endian, refuse);
}

type Refuse = (value: FieldValue) => KhoforgeError;

function textField({ offset, size }: FieldLayout, refuse: Refuse): { read: Reader; write: Writer } {
  return {
    read(bytes, at) {
      const start = at + offset;
      const end = bytes.subarray(start, start + size).indexOf(0);
      return decodeText(bytes.subarray(start, start + (end < 0 ? size : end)));
    },
    write(bytes, at, value) {
      const text = typeof value === 'string' ? encodeText(value) : undefined;
      if (text === undefined || text.length > size) throw refuse(value);
      text.copy(bytes, at + offset);
    },
  };
}

function listField({ offset, size }: FieldLayout, endian: Endian, refuse: Refuse) {
  const { read, write } = WIDE[endian];
  const count = size / 8;
  const list: { read: Reader; write: Writer } = {
    read: (bytes, at) => Array.from({ length: count }, (_, i) => read(bytes, at + offset + i * 8)),
    write(bytes, at, value) {
      if (!Array.isArray(value) || value.length > count || !value.every(isU64)) throw refuse(value);
      for (let i = 0; i < value.length; i++) write(bytes, at + offset + i * 8, value[i]);
    },
  };
  return list;
}

const U64_MAX = (1n << 64n) - 1n;
const isU64 = (value: bigint) => value >= 0n && value <= U64_MAX;

interface Access<T> {
  readonly read: (bytes: Buffer, at: number) => T;
  readonly write: (bytes: Buffer, at: number, value: T) => void;
}

const WIDE: Readonly<Record<Endian, Access<bigint>>> = {
  little: {
    read: (bytes, at) => bytes.readBigUInt64LE(at),
    write: (bytes, at, value) => bytes.writeBigUInt64LE(value, at),
  },
  big: {
    read: (bytes, at) => bytes.readBigUInt64BE(at),
    write: (bytes, at, value) => bytes.writeBigUInt64BE(value, at),
  },
};

const BYTE: Access<number> = {
  read: (bytes, at) => bytes.readUInt8(at),
  write: (bytes, at, value) => bytes.writeUInt8(value, at),
};

/** By bytes. */
const NARROW: Readonly<Record<Endian, Readonly<Record<number, Access<number>>>>> = {
  little: {
    1: BYTE,
    2: { read: (bytes, at) => bytes.readUInt16LE(at), write: (b, at, value) => b.writeUInt16LE(value, at) },
    4: { read: (bytes, at) => bytes.readUInt32LE(at), write: (b, at, value) => b.writeUInt32LE(value, at) },
  },
  big: {
    1: BYTE,
    2: { read: (bytes, at) => bytes.readUInt16BE(at), write: (b, at, value) => b.writeUInt16BE(value, at) },
    4: { read: (bytes, at) => bytes.readUInt32BE(at), write: (b, at, value) => b.writeUInt32BE(value, at) },
  },
};

/** An integer of 1 to 8 bytes, whose value is what the declaration says, also where a tree made it wider or narrower. */
function wholeField(field: FieldLayout, endian: Endian, refuse: Refuse): { read: Reader; write: Writer } {
  const { offset, size, value: type } = field;
  const narrow = NARROW[endian][size];
  if (narrow === undefined) {
    const { read, write } = WIDE[endian];
    return {
      read: type === 'number' ? (b, at) => Number(read(b, at + offset)) : (b, at) => read(b, at + offset),
      write(bytes, at, value) {
        const wide = asBigInt(value);
        if (wide === undefined || !isU64(wide)) throw refuse(value);
        write(bytes, at + offset, wide);
      },
    };
  }
  const { read, write } = narrow;
  const limit = 2 ** (8 * size);
  return {
    read: type === 'bigint' ? (b, at) => BigInt(read(b, at + offset)) : (b, at) => read(b, at + offset),
    write(bytes, at, value) {
      const number = asNumber(value);
      if (!Number.isInteger(number) || number < 0 || number >= limit) throw refuse(value);
      write(bytes, at + offset, number);
    },
  };
}

function asBigInt(value: FieldValue): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined;
}

function asNumber(value: FieldValue): number {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Number.NaN;
}

/** The structure is zero before its fields are written, so that fields of one unit can be added to each other. */
function bitField(
  field: FieldLayout,
  { shift, width }: { shift: number; width: number },
  endian: Endian,
  refuse: Refuse,
): { read: Reader; write: Writer } {
  const { offset, size, value: type } = field;
  // gcc fills a unit from its lowest bit on a little-endian target, from its highest on a big-endian one.
  const low = endian === 'little' ? shift : size * 8 - shift - width;
  const narrow = NARROW[endian][size];
  if (narrow !== undefined) {
    const { read, write } = narrow;
    const [scale, limit] = [2 ** low, 2 ** width];
    const get = (bytes: Buffer, at: number) => Math.floor(read(bytes, at + offset) / scale) % limit;
    return {
      read: type === 'bigint' ? (bytes, at) => BigInt(get(bytes, at)) : get,
      write(bytes, at, value) {
        const number = asNumber(value);
        if (!Number.isInteger(number) || number < 0 || number >= limit) throw refuse(value);
        write(bytes, at + offset, read(bytes, at + offset) + number * scale);
      },
    };
  }
  const { read, write } = WIDE[endian];
  const by = BigInt(low);
  const get = (bytes: Buffer, at: number) => BigInt.asUintN(width, read(bytes, at + offset) >> by);
  return {
    read: type === 'number' ? (bytes, at) => Number(get(bytes, at)) : get,
    write(bytes, at, value) {
      const wide = asBigInt(value);
      if (wide === undefined || wide < 0n || wide >> BigInt(width) !== 0n) throw refuse(value);
      write(bytes, at + offset, read(bytes, at + offset) | (wide << by));
    },
  };
}

function doesNotFit(struct: string, field: FieldLayout, value: FieldValue): KhoforgeError {
  const { kind, size, bits } = field;
  const room =
    kind === 'chars'
      ? `${size} bytes of UTF-8`
      : `${kind} of ${bits ? `${bits.width} bits` : `${size} bytes`}`;
  return new KhoforgeError('FIELD_RANGE', `${struct}.${field.name}: '${value}' does not fit ${room}`);
}
