import type { Arch } from './arch.ts';

/** A file of a kernel tree that defines some of the ABI, and how its items are got. */
export interface Unit {
  /** Where the file has been, newest first; the first that exists counts. */
  readonly paths: readonly string[];
  /** File in abi/shim that includes it. */
  readonly shim: string;
  /** Which of its names belong to the ABI; all, when absent. A name that is new and fits is reported. */
  readonly take?: RegExp;
  /** A .c file: the definitions alone are compiled, for its functions need a configured tree. */
  readonly excerpt?: true;
  /** Properties that the code reads by a literal name are items, with this before their names. */
  readonly properties?: string;
  /** Text that stands in the code as a literal, by the name of its item. */
  readonly literals?: Readonly<Record<string, string>>;
  /** Only on this architecture. */
  readonly arch?: Arch;
}

/** Items of the ABI whose change a version of their own has to tell. */
export interface Governed {
  /** Names of the items. */
  readonly items: RegExp;
  /** What tells their version, newest name first; the first that a source has counts. */
  readonly versions: readonly string[];
}
