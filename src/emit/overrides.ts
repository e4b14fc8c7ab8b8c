import type { Codec } from '../abi/codec.ts';
import type { FieldValue } from '../abi/layout.ts';
import type { Endian } from '../abi/target.ts';
import { KhoforgeError, withinSpec } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { encodeText } from '../base/text.ts';
import { PathIndex } from './path-index.ts';

/** A value that replaces what would have been emitted. `null` leaves a property or a node out. */
export type OverrideValue = null | string | bigint | { readonly bytes: Uint8Array };

/**
 * The overrides of a spec, by the path of the field they replace. Each one is taken exactly when the field
 * is emitted; what nobody took is an error with the nearest path that was offered.
 */
export class Overrides {
  readonly #values: ReadonlyMap<string, OverrideValue>;
  readonly #index: PathIndex;
  readonly #taken = new Set<string>();
  readonly #offered = new Set<string>();

  readonly #lists: boolean;

  /** @param lists whether every path is to be offered, also those of which there are so many that they are asked for */
  constructor(values: ReadonlyMap<string, OverrideValue>, { lists = false } = {}) {
    this.#values = values;
    this.#lists = lists;
    this.#index = new PathIndex(values.keys());
  }

  /** The override for `path`, or undefined to emit the true value. */
  take(path: string): OverrideValue | undefined {
    this.#offered.add(path);
    const value = this.#values.get(path);
    if (value !== undefined) this.#taken.add(path);
    return value;
  }

  /** Whether some override is below `prefix`, which ends in `/` or `[`. */
  hasUnder(prefix: string): boolean {
    return this.#lists || this.#index.hasUnder(prefix);
  }

  /** Overrides of single elements: `path[3]`. */
  takeElements(path: string, count: number): { index: number; value: OverrideValue }[] {
    this.#offered.add(`${path}[0]`);
    return this.#index.elements(path, 0, count).flatMap((index) => {
      const value = this.take(`${path}[${index}]`);
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
        for (const { index, value } of this.takeElements(here, field.size / 8)) {
          while (array.length <= index) array.push(0n);
          array[index] = asU64(value, `${here}[${index}]`);
        }
        result[field.name] = array;
        continue;
      }
      const value = this.take(here);
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
    const value = this.take(path);
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
        didYouMean(unknown, this.#offered).hint ??
        'khoforge build --paths lists every path that this spec can override',
    });
  }

  /** Every path that could have been overridden. */
  get offered(): readonly string[] {
    return [...this.#offered];
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

function toArray(value: FieldValue | undefined): bigint[] {
  return Array.isArray(value) ? [...value] : [];
}
