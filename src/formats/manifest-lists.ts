import { z } from 'zod';
import type { Region } from '../memory/regions.ts';

/** A run of bytes in memory.bin. */
export interface FileExtent extends Region {
  readonly offset: number;
  readonly sha256: string;
}

/** Items of a manifest outside its long lists. */
const MAX_ITEMS = 1 << 16;

const ADDRESS = /^0x[0-9a-f]{1,16}$/;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

/** What an item is not, for the error. */
class NotA extends Error {}

function address(item: Fields, key: string): bigint {
  const text = item[key];
  if (typeof text === 'string' && ADDRESS.test(text)) return BigInt(text);
  throw new NotA(`${key}: expected an address such as 0x1000`);
}

function text(item: Fields, key: string): string {
  const value = item[key];
  if (typeof value === 'string') return value;
  throw new NotA(`${key}: expected text`);
}

function count(item: Fields, key: string): number {
  const value = item[key];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new NotA(`${key}: expected a whole number`);
}

/**
 * A list that may have hundreds of thousands of items, each of one small object. A schema for each would take minutes
 * and gigabytes (zod 4.6: some 5 KiB an item).
 */
function longList<T>(item: (fields: Fields) => T) {
  return z
    .custom<readonly unknown[]>((value) => Array.isArray(value), { error: () => 'expected a list' })
    .transform((list, context): T[] => {
      const result: T[] = [];
      for (const [i, one] of list.entries()) {
        try {
          if (!isFields(one)) throw new NotA('expected an object');
          result.push(item(one));
        } catch (cause) {
          if (!(cause instanceof NotA)) throw cause;
          context.issues.push({ code: 'custom', message: cause.message, input: one, path: [i] });
          return z.NEVER;
        }
      }
      return result;
    });
}

const region = (item: Fields): Region => ({ start: address(item, 'start'), size: address(item, 'size') });

const extent = (item: Fields): FileExtent => ({
  ...region(item),
  offset: count(item, 'offset'),
  sha256: text(item, 'sha256'),
});

export const regionList = longList(region);
export const extentList = longList(extent);
export const scratchList = longList(
  (item): Region => ({ start: address(item, 'addr'), size: address(item, 'size') }),
);
export const placementList = longList((item) => ({ path: text(item, 'path'), ...region(item) }));

/** A run of pages, with bytes in memory.bin or of zeroes; undefined for anything else. */
export function runOf(item: unknown): FileExtent | Region | undefined {
  try {
    return isFields(item) ? ('offset' in item ? extent(item) : region(item)) : undefined;
  } catch (cause) {
    if (cause instanceof NotA) return undefined;
    throw cause;
  }
}

/** Whether a document has more items outside the lists of these keys than any manifest has. */
export function isCrowded(document: unknown, lists: readonly string[]): boolean {
  if (!isFields(document)) return false;
  const rest = Object.entries(document).flatMap(([key, value]) => (lists.includes(key) ? [] : [value]));
  for (let seen = 0; rest.length > 0; seen++) {
    if (seen + rest.length > MAX_ITEMS) return true;
    const next = rest.pop();
    if (isFields(next)) for (const value of Object.values(next)) rest.push(value);
  }
  return false;
}
