/** What is known of one thing of the ABI; each fact only where it applies. */
export interface Facts {
  /** Bytes from the start of the outermost structure. Absent for bit-fields, which have `bitOffset`. */
  readonly offset?: number;
  /** Bytes. */
  readonly size?: number;
  /** Bytes. */
  readonly align?: number;
  /** Bits from the start of the structure, in memory order of a little-endian target. */
  readonly bitOffset?: number;
  readonly bitWidth?: number;
  /** Of a constant; text of a string. Above 2^53 - 1 a number is written as `0x…`. */
  readonly value?: number | string;
}

/** Facts of the thing that the kernel calls `name`: `kho_vmalloc`, `kho_vmalloc.first`, `KHO_FDT_COMPATIBLE`. */
export interface NamedFacts extends Facts {
  readonly name: string;
}
