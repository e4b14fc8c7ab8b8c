import type { z } from 'zod';
import type { TextName } from '../abi/declared.ts';
import type { Target } from '../abi/target.ts';
import type { Governed, Unit } from '../abi/unit.ts';
import type { Producer } from '../emit/producer.ts';
import type { Checks } from '../kernel/check.ts';
import type { UserStage } from '../kernel/stages.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { Block } from '../memory/preserved-blocks.ts';
import type { Pattern } from '../model/pattern.ts';
import type { DecodedValue } from './decoded-value.ts';
import type { State } from './state.ts';

export type { DecodedValue };

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
  /** Bytes, as far as the image has them; at most the size that the root FDT records. */
  readonly bytes: Uint8Array;
  /** Order of the block of preserved memory that starts at an address; undefined where none does. */
  orderAt(phys: bigint): number | undefined;
}

/** A subtree of an image, to be written as an entry of a spec. */
export interface LocatedSubtree extends Blob {
  readonly name: string;
  /** Null for a subtree that nobody decodes. */
  readonly decoded: DecodedSubtree | null;
}

/** A subtree as an entry of a spec. */
export interface SpecFragment {
  /** What stands below the user's key. */
  readonly spec: unknown;
  /** Where its structures are, by their paths. */
  readonly place: Readonly<Record<string, bigint>>;
  /** The blocks of preserved memory that the entry makes by itself. */
  readonly claims: readonly Block[];
  /** Path of what the entry preserves and the handover does not. */
  readonly unpreserve?: string;
}

/** What a user's state tells of the kernels before the receiver; null where it does not say. */
export interface Lineage {
  readonly version: DecodedValue;
  readonly previousRelease: DecodedValue;
  /** kexec boots since the last cold boot. */
  readonly kexecCount: DecodedValue;
}

/** What a receiving kernel says on its console about one user's state. */
export interface ConsoleLines {
  /** How its lines begin, those that prove or refuse nothing as well. */
  readonly speaks: readonly RegExp[];
  /** Only a kernel that used the state says it. */
  readonly proofs: readonly Pattern[];
  /** It refuses the state, and takes the rest of the handover. */
  readonly refusals: readonly Pattern[];
  /** It tried to use the state, and could not; `text` says so in the verdict. */
  readonly failures: readonly (Pattern & { readonly text: string })[];
}

/** Where the kernel defines what a user hands over, and what tells its version. */
export interface OwnAbi {
  /** As reports on the ABI call it. */
  readonly name: string;
  /** Headers of include/linux/kho/abi that have a shim of their own in abi/shim, without `.h`. */
  readonly headers: readonly string[];
  /** Files outside that folder. */
  readonly units: readonly Unit[];
  /** The first entry whose `items` fits counts. */
  readonly governed: readonly Governed[];
}

/** A facet that a user does not have, and why. */
export interface None {
  readonly none: string;
}
/** What every user has to say something about: its own, or why there is none. */
export type Facet<T extends object> = T | None;

export const none = (why: string): None => ({ none: why });

/** A facet, or undefined where the user has none. */
export function facet<T extends object>(value: Facet<T>): T | undefined {
  return 'none' in value ? undefined : value;
}

/** What is known of everyone whose state is handed over: of a KHO user, and of whom a user hands over in turn. */
export interface Described {
  /** What `verify` looks at in its state. */
  readonly checks: Facet<Checks>;
  readonly console: Facet<ConsoleLines>;
  readonly abi: Facet<OwnAbi>;
}

/** One KHO user: all that khoforge knows about it. The registry lists them. */
export interface User<Schema extends z.ZodType = z.ZodType> extends Described {
  /** Key in the spec's list of subtrees. */
  readonly key: string;
  /** The constant that names the user's node in the root FDT. */
  readonly node: Facet<{ readonly name: TextName }>;
  readonly schema: Schema;
  /** Emits the blob and all it refers to, and adds the subtree. */
  emit(producer: Producer, spec: z.output<Schema>): void;
  /** Reads a blob that may be damaged. Never throws: what is wrong is in `problems`. */
  readonly decode: Facet<(blob: Blob) => DecodedSubtree>;
  /** What a receiving kernel does with it, and when: `verify` goes by it. */
  readonly receive: Facet<UserStage>;
  /** What it hands over without where it stands. Never throws, as `decode`. */
  readonly state: Facet<(blob: Blob) => Omit<State, 'name'>>;
  /** Reads decoded fields. */
  readonly lineage: Facet<(fields: DecodedSubtree['fields']) => Lineage>;
  /** The entry of a spec that makes this subtree; undefined where no entry can. */
  readonly respec: Facet<(subtree: LocatedSubtree) => SpecFragment | undefined>;
  /** Whose state it hands over with its own, such as that of files. */
  readonly parts: readonly Described[];
}

export function defineUser<Schema extends z.ZodType>(user: User<Schema>): User<Schema> {
  return user;
}
