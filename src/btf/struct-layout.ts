import { isAggregate, sizeOf, strip, typeName, unqualified } from './resolve.ts';
import { type BtfType, Kind, MAX_DEPTH, type TypeTable } from './types.ts';

/** A member as C reaches it: those of an anonymous struct or union stand among their parent's. */
export interface BtfField {
  readonly name: string;
  /** Bytes from the start of the structure; of a bit-field, where the unit of its declared type starts. */
  readonly offset: number;
  /** Bytes: `sizeof` of the declared type, also for a bit-field. A flexible array has 0. */
  readonly size: number;
  /**
   * Bits from `offset` to the first of a bit-field, counted as the target's compiler does: from the least significant
   * bit on little-endian, from the most significant on big-endian. `offset * 8 + bitOffset` is the place whatever
   * unit one chooses: compare that.
   */
  readonly bitOffset?: number;
  /** Bits. Only a bit-field has it. */
  readonly bitWidth?: number;
  /** As C writes it: `u64[511]`, `struct kho_vmalloc_chunk *`, `union {...}`. */
  readonly typeName: string;
  /** What is inside a struct or union, as far as it was asked for. Offsets count from the outermost structure. */
  readonly fields?: readonly BtfField[];
}

/** Whether members get `fields`: those whose type has no name, or all that are a struct or union (no array). */
export type Inside = 'unnamed' | 'all';

export interface StructLayout {
  readonly name: string;
  readonly kind: 'struct' | 'union';
  /** Bytes, tail padding included. */
  readonly size: number;
  readonly fields: readonly BtfField[];
}

/** No structure of the kernel comes near; anonymous members that repeat each other could be without end. */
const MAX_MEMBERS = 1 << 13;

const MEMBER_SIZE = 12;

/** struct btf_member, its offset decoded. */
interface Member {
  /** Where it stands in the type section. */
  readonly at: number;
  readonly typeId: number;
  readonly bit: number;
  /** Bits; undefined when it is no bit-field. */
  readonly width: number | undefined;
  /** Bytes of its type. */
  readonly size: number;
}

/**
 * @param type a struct or union
 * @throws KhoforgeError `BTF_INVALID` for members outside of their structure, types in a circle and the like
 */
export function structLayout(
  types: TypeTable,
  type: BtfType,
  name: string,
  inside: Inside,
  pointerSize: () => number,
): StructLayout {
  const fields = new Flattening(types, inside, pointerSize).fields(type, 0, 0);
  return { name, kind: type.kind === Kind.struct ? 'struct' : 'union', size: type.sizeOrType, fields };
}

class Flattening {
  readonly #types: TypeTable;
  readonly #inside: Inside;
  readonly #pointerSize: () => number;
  #visited = 0;

  constructor(types: TypeTable, inside: Inside, pointerSize: () => number) {
    this.#types = types;
    this.#inside = inside;
    this.#pointerSize = pointerSize;
  }

  /** @param base bytes from the start of the outermost structure */
  fields(parent: BtfType, base: number, depth: number): BtfField[] {
    if (depth > MAX_DEPTH) {
      throw this.#types.view.error(
        parent.at,
        `structures nested more than ${MAX_DEPTH} deep, or in a circle`,
      );
    }
    const fields: BtfField[] = [];
    for (let index = 0; index < parent.vlen; index++) {
      if (++this.#visited > MAX_MEMBERS) {
        throw this.#types.view.error(parent.at, `structure of more than ${MAX_MEMBERS} members`);
      }
      for (const field of this.#member(parent, index, base, depth)) fields.push(field);
    }
    return fields;
  }

  #member(parent: BtfType, index: number, base: number, depth: number): readonly BtfField[] {
    const member = this.#read(parent, index);
    const name = this.#types.name(member.at);
    const aggregate = this.#aggregate(member, name);
    const inner = aggregate && this.fields(aggregate, base + member.bit / 8, depth + 1);
    // C cannot reach an unnamed member that has no members: it is a bit-field for padding.
    if (name === '') return inner ?? [];
    const field = {
      name,
      ...place(member, base),
      typeName: typeName(this.#types, member.typeId, member.at + 4),
    };
    return [inner ? { ...field, fields: inner } : field];
  }

  /** The struct or union to look into. */
  #aggregate({ typeId, at, width }: Member, name: string): BtfType | undefined {
    // Without a name of its own a member is flattened even if its type has one: the kernel uses -fms-extensions.
    const any = name === '' || this.#inside === 'all';
    const type = (any ? strip : unqualified)(this.#types, typeId, at + 4);
    if (width !== undefined || type === undefined || !isAggregate(type)) return undefined;
    return any || this.#types.name(type.at) === '' ? type : undefined;
  }

  #read(parent: BtfType, index: number): Member {
    const { view } = this.#types;
    const at = parent.extra + index * MEMBER_SIZE;
    const typeId = view.u32(at + 4);
    const raw = view.u32(at + 8);
    const size = sizeOf(this.#types, typeId, at + 4, this.#pointerSize);
    const { bit, width } = parent.kindFlag
      ? { bit: raw & 0xffffff, width: raw >>> 24 || undefined }
      : this.#oldBits(typeId, at, raw);
    if (width === undefined && bit % 8 !== 0) throw view.error(at + 8, `member at bit ${bit}, in mid-byte`);
    if (width !== undefined && width > size * 8) {
      throw view.error(at + 8, `bit-field of ${width} bits in a type of ${size} bytes`);
    }
    if (bit + (width ?? size * 8) > parent.sizeOrType * 8) {
      throw view.error(at + 8, `member at bit ${bit} ends after its structure of ${parent.sizeOrType} bytes`);
    }
    return { at, typeId, bit, width, size };
  }

  /** Without kind_flag a bit-field shows by its integer, which has fewer bits than its bytes hold, or by its place. */
  #oldBits(typeId: number, at: number, raw: number): { bit: number; width: number | undefined } {
    const type = strip(this.#types, typeId, at + 4);
    if (type === undefined) return { bit: raw, width: undefined };
    const full = type.sizeOrType * 8;
    if (type.kind === Kind.int) {
      const encoding = this.#types.view.u32(type.extra);
      const bit = raw + ((encoding >>> 16) & 0xff);
      const width = encoding & 0xff;
      return { bit, width: width === full && bit % 8 === 0 ? undefined : width };
    }
    const isEnum = type.kind === Kind.enum || type.kind === Kind.enum64;
    return { bit: raw, width: isEnum && raw % 8 !== 0 ? full : undefined };
  }
}

function place({ bit, width, size }: Member, base: number): Omit<BtfField, 'name' | 'typeName'> {
  if (width === undefined) return { offset: base + bit / 8, size };
  // In a packed structure a bit-field may straddle two units of its type: then it counts from its first byte.
  const unit = Math.floor(bit / (size * 8)) * size;
  const start = bit - unit * 8 + width <= size * 8 ? unit : Math.floor(bit / 8);
  return { offset: base + start, size, bitOffset: bit - start * 8, bitWidth: width };
}
