import type { Endian } from '../../src/abi/target.ts';

/** One type as BTF has it: what no compiler would write can be written with it. */
export interface TypeSpec {
  readonly kind: number;
  readonly name?: string;
  readonly flag?: boolean;
  /** Size, or the id of another type. */
  readonly value?: number;
  /** Number of elements; those in `extra` when it is left out. */
  readonly vlen?: number;
  /** Elements: numbers are u32, texts are names. */
  readonly extra?: readonly (readonly (number | string)[])[];
}

export interface EncodeOptions {
  readonly endian?: Endian;
  /** struct btf_layout: info_sz and elem_sz per kind. */
  readonly kinds?: readonly (readonly [number, number])[];
  /** Instead of the empty string at the start of the strings. */
  readonly firstString?: string;
}

/** Kinds whose elements are not counted by vlen: int, array, var, decl_tag. */
const SINGLE = new Set([1, 3, 14, 17]);

/** A raw BTF blob. The first type has id 1. */
export function encodeBtf(types: readonly TypeSpec[], options: EncodeOptions = {}): Buffer {
  const { endian = 'little', kinds = [] } = options;
  const strings = new Map<string, number>();
  let text = options.firstString === undefined ? '\0' : `${options.firstString}\0`;
  const intern = (name: string): number => {
    if (name === '') return 0;
    const known = strings.get(name);
    if (known !== undefined) return known;
    strings.set(name, text.length);
    text += `${name}\0`;
    return text.length - name.length - 1;
  };
  const words = types.flatMap(({ kind, name = '', flag = false, value = 0, extra = [], vlen }) => {
    const count = vlen ?? (SINGLE.has(kind) ? 0 : extra.length);
    const info = (flag ? 2 ** 31 : 0) + kind * 2 ** 24 + count;
    const rest = extra.flat().map((word) => (typeof word === 'string' ? intern(word) : word));
    return [intern(name), info, value, ...rest];
  });
  const layout = Buffer.from(kinds.flatMap(([once, each]) => [once, each, 0, 0]));
  const size = words.length * 4;
  const header = [0, size, size + layout.length, text.length, size, layout.length];
  const headerSize = layout.length === 0 ? 24 : 32;
  const start = endian === 'little' ? [0x9f, 0xeb, 1, 0] : [0xeb, 0x9f, 1, 0];
  return Buffer.concat([
    Buffer.from(start),
    u32s([headerSize, ...header.slice(0, headerSize / 4 - 2), ...words], endian),
    layout,
    Buffer.from(text, 'latin1'),
  ]);
}

function u32s(words: readonly number[], endian: Endian): Buffer {
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => {
    if (endian === 'little') bytes.writeUInt32LE(word, index * 4);
    else bytes.writeUInt32BE(word, index * 4);
  });
  return bytes;
}

/** `unsigned long`, which every kernel's BTF has. */
export const LONG: TypeSpec = { kind: 1, name: 'long unsigned int', value: 8, extra: [[64]] };
export const U32: TypeSpec = { kind: 1, name: 'unsigned int', value: 4, extra: [[32]] };
