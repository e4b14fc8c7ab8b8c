import { KhoforgeError } from '../base/errors.ts';
import { type Codec, compileCodec } from './codec.ts';
import {
  formerName,
  kernelNames,
  type NumberName,
  STRUCT_NAMES,
  type Struct,
  type StructName,
  structDef,
  type TextName,
} from './declared.ts';
import type { Endian } from './endian.ts';
import type { Facts } from './facts.ts';
import { inexpressible } from './inexpressible.ts';
import { type FieldValue, type StructDef, valueType } from './layout.ts';
import { layoutFrom } from './struct-facts.ts';

/**
 * The ABI of one kernel: the only way to a string, a constant or a structure of its headers. Names are the kernel's.
 * What asks for something that the kernel does not have gets an error `TARGET_INEXPRESSIBLE` with its name.
 */
export class Abi {
  readonly #of: string;
  readonly #facts: ReadonlyMap<string, Facts>;
  readonly #foreignFacts: () => ReadonlyMap<string, Facts>;
  readonly #endian: Endian;
  readonly #codecs = new Map<string, unknown>();

  /**
   * @param of whose ABI it is, for errors
   * @param foreign what only other kernels have: an image may have it all the same, on purpose
   */
  constructor(
    of: string,
    facts: ReadonlyMap<string, Facts>,
    foreign: () => ReadonlyMap<string, Facts>,
    endian: Endian,
  ) {
    let known: ReadonlyMap<string, Facts> | undefined;
    this.#foreignFacts = () => (known ??= foreign());
    this.#of = of;
    this.#facts = facts;
    this.#endian = endian;
  }

  /** Everything that is known, by name. */
  get facts(): ReadonlyMap<string, Facts> {
    return this.#facts;
  }

  /** The structures that it has and khoforge knows. */
  get structNames(): readonly StructName[] {
    return STRUCT_NAMES.filter((name) => this.#facts.has(name));
  }

  has(name: TextName | NumberName | StructName): boolean {
    return this.#find(name) !== undefined;
  }

  /** A string, or the name of a property: `memblock:start` is `start`. */
  text(name: TextName): string {
    const { value, size } = this.#need(name);
    if (typeof value === 'string') return value;
    if (size !== undefined) return name.slice(name.indexOf(':') + 1);
    throw inexpressible(`${name} is ${value}, no string`);
  }

  /** A constant, or the bytes of a property. */
  number(name: NumberName): number {
    const { value, size } = this.#need(name);
    const number = value ?? size;
    if (typeof number === 'number') return number;
    throw inexpressible(`${name} is '${number}', no number that is exact in JavaScript`);
  }

  struct<N extends StructName>(name: N): Codec<Struct<N>> {
    const known = this.#codecs.get(name);
    if (known !== undefined) return known as Codec<Struct<N>>;
    this.#need(name, `struct ${name}`);
    const def = structDef(name);
    const facts = this.#facts.has(name) ? this.#facts : this.#foreignFacts();
    const layout = layoutFrom(name, facts, def, kernelNames(name));
    const codec = compileCodec<Struct<N>>(layout, this.#endian, zeroOf(def) as Struct<N>);
    this.#codecs.set(name, codec);
    return codec;
  }

  #find(name: string): Facts | undefined {
    return this.#facts.get(name) ?? this.#facts.get(formerName(name) ?? '');
  }

  #need(name: string, what = name): Facts {
    const facts = this.#find(name) ?? this.#foreignFacts().get(name);
    if (facts !== undefined) return facts;
    const before = formerName(name);
    throw new KhoforgeError(
      'TARGET_INEXPRESSIBLE',
      `${this.#of} has no ${what}${before === undefined ? '' : ` (${before} before)`}: what is there instead is not known`,
      { hint: 'leave out what needs it, or see khoforge abi diff for what the tree has in its place' },
    );
  }
}

/** What a structure's fields are where a kernel does not have them. */
function zeroOf(def: StructDef | undefined): Record<string, FieldValue> {
  const zero = { bigint: 0n, number: 0, text: '', list: [] } as const;
  return Object.fromEntries(
    Object.entries(def?.fields ?? {}).map(([name, field]) => [name, zero[valueType(field)]]),
  );
}
