import type { z } from 'zod';
import type { Target } from '../abi/target.ts';
import type { Producer } from '../emit/producer.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';

/** A value for people and for JSON: addresses and 64-bit sizes as bigint, counts as numbers. */
export type DecodedValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly DecodedValue[]
  | { readonly [key: string]: DecodedValue };

export interface DecodedSubtree {
  /** What the blob is, e.g. `struct kho_kexec_metadata`. */
  readonly format: string;
  readonly fields: { readonly [key: string]: DecodedValue };
  /** What is wrong with it, in words. */
  readonly problems: readonly string[];
}

/** A blob in an image, for decoding. */
export interface Blob {
  readonly target: Target;
  readonly memory: PhysicalMemory;
  readonly phys: bigint;
  /** Bytes, as far as the image has them; at most the size that the root FDT tells. */
  readonly bytes: Uint8Array;
  /** Order of the block of preserved memory that starts at an address; undefined where none does. */
  orderAt(phys: bigint): number | undefined;
}

/** One KHO user: how it stands in a spec, how its state is emitted, and how its blob is read back. */
export interface Subtree<Schema extends z.ZodType = z.ZodType> {
  /** Key in the spec's list of subtrees. */
  readonly key: string;
  readonly schema: Schema;
  /** Emits the blob and all it refers to, and adds the subtree. */
  produce(producer: Producer, spec: z.output<Schema>): void;
  /** The constant that names the node in the root FDT that `decode` reads; absent when the user names the node. */
  readonly nodeName?: Readonly<Record<string, string>>;
  /** Reads a blob that may be damaged. Never throws: what is wrong is told in `problems`. */
  decode?(blob: Blob): DecodedSubtree;
}

export function defineSubtree<Schema extends z.ZodType>(subtree: Subtree<Schema>): Subtree<Schema> {
  return subtree;
}
