import type { Codec } from '../abi/codec.ts';
import type { FieldValue } from '../abi/layout.ts';
import type { Endian } from '../abi/target.ts';
import { KhoforgeError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
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

  constructor(values: ReadonlyMap<string, OverrideValue>) {
    this.#values = values;
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
    return this.#index.hasUnder(prefix);
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
  struct<V>(path: string, { layout }: Codec<V>, values: V): V {
    const result = { ...values } as Record<string, FieldValue>;
    for (const field of layout.fields) {
      const here = `${path}/${field.name}`;
      if (field.kind === 'u64s') {
        const array = toArray(result[field.name]);
        for (const { index, value } of this.takeElements(here, field.size / 8)) {
          while (array.length <= index) array.push(0n);
          array[index] = asBigInt(value, `${here}[${index}]`);
        }
        result[field.name] = array;
        continue;
      }
      const value = this.take(here);
      if (value === undefined) continue;
      if (field.value === 'text') result[field.name] = asText(value, here);
      else if (field.value === 'number') result[field.name] = Number(asBigInt(value, here));
      else result[field.name] = asBigInt(value, here);
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
    if (typeof value === 'string') return Buffer.from(`${value}\0`, 'latin1');
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
      where: { spec: `override.${unknown}` },
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
export function asBigInt(value: OverrideValue, path: string): bigint {
  if (typeof value === 'bigint') return value;
  throw wrong(path, value, 'a number');
}

function asText(value: OverrideValue, path: string): string {
  if (typeof value === 'string') return value;
  throw wrong(path, value, 'text');
}

function wrong(path: string, value: OverrideValue, expected: string): KhoforgeError {
  const shown = typeof value === 'object' && value !== null ? 'bytes' : String(value);
  return new KhoforgeError('OVERRIDE_INVALID', `'${path}' cannot be ${shown}: expected ${expected}`, {
    where: { spec: `override.${path}` },
  });
}

function toArray(value: FieldValue | undefined): bigint[] {
  return Array.isArray(value) ? [...value] : [];
}
