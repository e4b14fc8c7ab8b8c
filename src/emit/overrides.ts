import type { Codec } from '../abi/codec.ts';
import type { FieldLayout, FieldValue } from '../abi/layout.ts';
import type { Endian } from '../abi/target.ts';
import { KhoforgeError, withinSpec } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { encodeText } from '../base/text.ts';
import { PathIndex } from './path-index.ts';

/** A value that replaces what would have been emitted. `null` leaves a property or a node out. */
export type OverrideValue = null | string | bigint | { readonly bytes: Uint8Array };

/** What is emitted at a path, which tells what may stand there instead. */
export type Offer =
  /** @property elements of an array, of which this is the first */
  | { readonly kind: 'number'; readonly value: bigint; readonly bits: number; readonly elements?: number }
  | { readonly kind: 'text'; readonly value: string; readonly bytes: number }
  | { readonly kind: 'property'; readonly value: Uint8Array }
  | { readonly kind: 'node' };

const NODE: Offer = { kind: 'node' };

/**
 * The overrides of a spec, by the path of the field they replace. Each one is taken exactly when the field
 * is emitted; what nobody took is an error with the nearest path that was offered.
 */
export class Overrides {
  readonly #values: ReadonlyMap<string, OverrideValue>;
  readonly #index: PathIndex;
  readonly #taken = new Set<string>();
  readonly #offered = new Map<string, Offer>();
  readonly #lists: boolean;

  /** @param lists whether every path is to be offered, also those of which there are so many that they are asked for */
  constructor(values: ReadonlyMap<string, OverrideValue>, { lists = false } = {}) {
    this.#values = values;
    this.#lists = lists;
    this.#index = new PathIndex(values.keys());
  }

  /** Whether a node is left out. */
  leavesOut(path: string): boolean {
    return this.take(path, NODE) === null;
  }

  /** The override for `path`, or undefined to emit the true value, which is that of the offer. */
  take(path: string, offer: Offer): OverrideValue | undefined {
    this.#offered.set(path, offer);
    const value = this.#values.get(path);
    if (value !== undefined) this.#taken.add(path);
    return value;
  }

  /** Whether some override is below `prefix`, which ends in `/` or `[`. */
  hasUnder(prefix: string): boolean {
    return this.#lists || this.#index.hasUnder(prefix);
  }

  /** Overrides of single elements: `path[3]`. */
  #takeElements(path: string, values: readonly bigint[], elements: number) {
    const offer = (i: number): Offer => ({ kind: 'number', value: values[i] ?? 0n, bits: 64, elements });
    this.#offered.set(`${path}[0]`, offer(0));
    return this.#index.elements(path, 0, elements).flatMap((index) => {
      const value = this.take(`${path}[${index}]`, offer(index));
      return value === undefined ? [] : [{ index, value }];
    });
  }

  /** Applies overrides to the fields of a structure. */
  struct<V>(path: string, codec: Codec<V>, values: V): V {
    const { layout } = codec;
    const result = { ...values } as Record<string, FieldValue>;
    for (const field of layout.fields) {
      const here = `${path}/${field.name}`;
      if (field.kind === 'u64s') {
        const array = toArray(result[field.name]);
        for (const { index, value } of this.#takeElements(here, array, field.size / 8)) {
          while (array.length <= index) array.push(0n);
          array[index] = asU64(value, `${here}[${index}]`);
        }
        result[field.name] = array;
        continue;
      }
      const value = this.take(here, offerOf(field, result[field.name]));
      if (value === undefined) continue;
      if (field.value === 'text') result[field.name] = asText(value, here);
      else if (field.value === 'number') result[field.name] = Number(asBigInt(value, here));
      else result[field.name] = asBigInt(value, here);
      withinSpec(['override', here], () => codec.encode(result as V));
    }
    return result as V;
  }

  /**
   * The bytes of an FDT property: `bytes`, or what an override makes of them; undefined when it is left out.
   * A number takes the length of what it replaces, in the target's byte order.
   */
  property(path: string, bytes: Uint8Array, endian: Endian): Uint8Array | undefined {
    const value = this.take(path, { kind: 'property', value: bytes });
    if (value === undefined) return bytes;
    if (value === null) return undefined;
    if (typeof value === 'string') return Buffer.from([...(encodeText(value) ?? []), 0]);
    if (typeof value !== 'bigint') return value.bytes;
    if (value < 0n || value >= 1n << BigInt(bytes.length * 8)) {
      throw wrong(path, value, `a number of ${bytes.length} bytes`);
    }
    const result = Buffer.alloc(bytes.length);
    for (let i = 0; i < bytes.length; i++) {
      const at = endian === 'little' ? i : bytes.length - 1 - i;
      result[at] = Number((value >> BigInt(8 * i)) & 0xffn);
    }
    return result;
  }

  /** @throws KhoforgeError `OVERRIDE_UNKNOWN` for an override that no emitted field took */
  finish(): void {
    const unknown = [...this.#values.keys()].find((path) => !this.#taken.has(path));
    if (unknown === undefined) return;
    throw new KhoforgeError('OVERRIDE_UNKNOWN', `nothing is emitted at '${unknown}'`, {
      specPath: ['override', unknown],
      hint:
        didYouMean(unknown, this.#offered.keys()).hint ??
        'khoforge build --paths lists every path that this spec can override',
    });
  }

  /** Every path that could have been overridden; of an array that of the first element. */
  get offered(): ReadonlyMap<string, Offer> {
    return this.#offered;
  }
}

/** @throws KhoforgeError `OVERRIDE_INVALID` unless the override is a number */
function asBigInt(value: OverrideValue, path: string): bigint {
  if (typeof value === 'bigint') return value;
  throw wrong(path, value, 'a number');
}

/** @throws KhoforgeError `OVERRIDE_INVALID` unless the override fits 64 bits */
function asU64(value: OverrideValue, path: string): bigint {
  const number = asBigInt(value, path);
  if (number >= 0n && number < 1n << 64n) return number;
  throw wrong(path, value, 'a number from 0 to 2^64 - 1');
}

/** @throws KhoforgeError `OVERRIDE_INVALID` unless the override fits 32 bits */
export function asU32(value: OverrideValue, path: string): number {
  const number = asBigInt(value, path);
  if (number >= 0n && number < 1n << 32n) return Number(number);
  throw wrong(path, value, 'a number from 0 to 2^32 - 1');
}

function asText(value: OverrideValue, path: string): string {
  if (typeof value === 'string') return value;
  throw wrong(path, value, 'text');
}

function wrong(path: string, value: OverrideValue, expected: string): KhoforgeError {
  const shown = typeof value === 'object' && value !== null ? 'bytes' : String(value);
  return new KhoforgeError('OVERRIDE_INVALID', `'${path}' cannot be ${shown}: expected ${expected}`, {
    specPath: ['override', path],
  });
}

function offerOf({ size, bits }: FieldLayout, value: FieldValue | undefined): Offer {
  if (typeof value === 'string') return { kind: 'text', value, bytes: size };
  const number = typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : 0n;
  return { kind: 'number', value: number, bits: bits?.width ?? size * 8 };
}

function toArray(value: FieldValue | undefined): bigint[] {
  return Array.isArray(value) ? [...value] : [];
}
