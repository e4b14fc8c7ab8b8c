import type { Arch } from './arch.ts';
import type { Platform, StructDef } from './layout.ts';

export type Known<T> = T | ((platform: Platform) => T);

/** Things of the ABI that appear and disappear together, as khoforge declares them. */
export interface AbiEntry {
  /** First and last series that has it. */
  readonly from: string;
  readonly to?: string;
  readonly arch?: Arch;
  readonly struct?: StructDef;
  /** What the kernel calls a field that we name otherwise. */
  readonly names?: Readonly<Record<string, string>>;
  /** Structures that are members of it, by the member's name. */
  readonly members?: Readonly<Record<string, string>>;
  readonly numbers?: Readonly<Record<string, Known<number>>>;
  readonly strings?: Readonly<Record<string, Known<string>>>;
  /** Bytes of what is read from a device tree's property, or the structure that it is; the name is `user:property`. */
  readonly properties?: Readonly<Record<string, number | StructDef>>;
  /** What a constant was called before, by its name now. */
  readonly formerly?: Readonly<Record<string, string>>;
}

/** Keeps the names of the entries in the type, for Abi to know them. */
export function defineAbi<const E extends readonly AbiEntry[]>(entries: E): E {
  return entries;
}
