import type { View } from '../elf/view.ts';
import type { BtfSections } from './header.ts';

/** BTF_KIND_* of include/uapi/linux/btf.h (7.3). */
export const Kind = {
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  funcProto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  declTag: 17,
  typeTag: 18,
  enum64: 19,
} as const;

const TYPE_SIZE = 12;
/** As the kernel's limit on a type's depth: MAX_RESOLVE_DEPTH (7.3, kernel/bpf/btf.c). */
export const MAX_DEPTH = 32;
/** Names end before this: KSYM_NAME_LEN (7.3, kernel/bpf/btf.c: btf_name_valid_identifier). */
const NAME_LIMIT = 512;

/** Bytes after struct btf_type: once, and for each of its vlen elements. Same header. */
const EXTRA: Readonly<Record<number, readonly [once: number, each: number]>> = {
  [Kind.int]: [4, 0],
  [Kind.ptr]: [0, 0],
  [Kind.array]: [12, 0],
  [Kind.struct]: [0, 12],
  [Kind.union]: [0, 12],
  [Kind.enum]: [0, 8],
  [Kind.fwd]: [0, 0],
  [Kind.typedef]: [0, 0],
  [Kind.volatile]: [0, 0],
  [Kind.const]: [0, 0],
  [Kind.restrict]: [0, 0],
  [Kind.func]: [0, 0],
  [Kind.funcProto]: [0, 8],
  [Kind.var]: [4, 0],
  [Kind.datasec]: [0, 12],
  [Kind.float]: [0, 0],
  [Kind.declTag]: [4, 0],
  [Kind.typeTag]: [0, 0],
  [Kind.enum64]: [0, 12],
};

/** struct btf_type, as it stands. */
export interface BtfType {
  readonly id: number;
  /** Bytes from the start of the type section. */
  readonly at: number;
  readonly nameOffset: number;
  readonly kind: number;
  /** Number of members, enumerators or parameters. */
  readonly vlen: number;
  readonly kindFlag: boolean;
  /** Bytes, or the id of another type, as the kind has it. */
  readonly sizeOrType: number;
  /** Where what follows struct btf_type starts in the type section. */
  readonly extra: number;
}

/** All types of a BTF by id. Only their places are kept; each is read when it is asked for. */
export class TypeTable {
  readonly view: View;
  /** The highest id; id 0 is void. */
  readonly count: number;
  readonly #strings: View;
  readonly #kinds: View;
  readonly #offsets: Uint32Array;

  /** @throws KhoforgeError `BTF_INVALID` unless the types fill their section exactly */
  constructor({ types, strings, kinds }: BtfSections) {
    this.view = types;
    this.#strings = strings;
    this.#kinds = kinds;
    this.#offsets = new Uint32Array(Math.floor(types.length / TYPE_SIZE) + 1);
    let id = 0;
    for (let at = 0; at < types.length; ) {
      id++;
      this.#offsets[id] = at;
      at = this.#end(at);
    }
    this.count = id;
  }

  /**
   * @param from where in the type section the id was found, for the error
   * @returns undefined for id 0, which is void
   */
  get(id: number, from: number): BtfType | undefined {
    const at = this.#offsets[id];
    if (id > this.count || at === undefined) {
      throw this.view.error(from, `type id ${id}: there are ${this.count}`);
    }
    if (id === 0) return undefined;
    const info = this.view.u32(at + 4);
    return {
      id,
      at,
      nameOffset: this.view.u32(at),
      kind: (info >>> 24) & 0x7f,
      vlen: info & 0xffffff,
      kindFlag: info >>> 31 === 1,
      sizeOrType: this.view.u32(at + 8),
      extra: at + TYPE_SIZE,
    };
  }

  /** Types of those kinds with that name, in the order of their ids. */
  *named(name: string, kinds: readonly number[]): Generator<BtfType> {
    const wanted = Buffer.from(`${name}\0`);
    for (let id = 1; id <= this.count; id++) {
      const at = this.#offsets[id] ?? 0;
      if (!kinds.includes((this.view.u32(at + 4) >>> 24) & 0x7f)) continue;
      if (!this.#strings.startsWith(this.view.u32(at), wanted)) continue;
      const type = this.get(id, at);
      if (type !== undefined) yield type;
    }
  }

  /** @param at where in the type section the name's offset stands */
  name(at: number): string {
    const offset = this.view.u32(at);
    const text = offset < this.#strings.length ? this.#strings.text(offset, NAME_LIMIT) : undefined;
    if (text !== undefined) return text;
    throw this.view.error(
      at,
      `no name of less than ${NAME_LIMIT} bytes at ${offset} of the string section (${this.#strings.length} bytes)`,
    );
  }

  #end(at: number): number {
    const { view } = this;
    view.need(at, TYPE_SIZE, 'a type');
    if (view.u32(at) >= this.#strings.length) {
      throw view.error(
        at,
        `name at ${view.u32(at)} of the string section, which has ${this.#strings.length} bytes`,
      );
    }
    const info = view.u32(at + 4);
    const kind = (info >>> 24) & 0x7f;
    const [once, each] = EXTRA[kind] ?? this.#described(kind, at);
    const extra = once + each * (info & 0xffffff);
    view.need(at + TYPE_SIZE, extra, `what follows a type of kind ${kind}`);
    return at + TYPE_SIZE + extra;
  }

  /** A kind newer than khoforge can be stepped over when the BTF describes it. */
  #described(kind: number, at: number): readonly [number, number] {
    const record = kind * 4;
    if (kind === 0 || record >= this.#kinds.length) {
      throw this.view.error(at + 4, `type of kind ${kind}, which nothing describes`);
    }
    return [this.#kinds.u8(record), this.#kinds.u8(record + 1)];
  }
}
