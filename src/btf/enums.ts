import { type BtfType, Kind, type TypeTable } from './types.ts';

export interface BtfEnum {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /**
   * Encoders before Linux 6.0 did not say, and GCC 12 does not: then false, and a value of -1 reads as 0xffffffff
   * (Documentation/bpf/btf.rst (7.3): kind_flag of BTF_KIND_ENUM).
   */
  readonly signed: boolean;
  /** False when values were cut to 32 bits or left out: an enum of 8 bytes that is no BTF_KIND_ENUM64. */
  readonly complete: boolean;
  /** In the order of the definition. */
  readonly values: readonly { readonly name: string; readonly value: bigint }[];
}

/** No enum of the kernel comes near; this bounds what names that overlap can take. */
const MAX_ENUMERATORS = 1 << 16;

/** @param type an enum, of 32 or 64 bits */
export function enumOf(types: TypeTable, type: BtfType, name: string): BtfEnum {
  if (type.vlen > MAX_ENUMERATORS) {
    throw types.view.error(type.at + 4, `enum of ${type.vlen} values: at most ${MAX_ENUMERATORS} are read`);
  }
  const wide = type.kind === Kind.enum64;
  const each = wide ? 12 : 8;
  const values = Array.from({ length: type.vlen }, (_, index) => {
    const at = type.extra + index * each;
    const raw = BigInt(types.view.u32(at + 4)) | (wide ? BigInt(types.view.u32(at + 8)) << 32n : 0n);
    const value = type.kindFlag ? BigInt.asIntN(wide ? 64 : 32, raw) : raw;
    return { name: types.name(at), value };
  });
  return {
    name,
    size: type.sizeOrType,
    signed: type.kindFlag,
    complete: wide || type.sizeOrType <= 4,
    values,
  };
}
