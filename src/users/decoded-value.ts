/** A value for people and for JSON: addresses and 64-bit sizes as bigint, counts as numbers. */
export type DecodedValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly DecodedValue[]
  | { readonly [key: string]: DecodedValue };
