import { KhoforgeError } from '../base/errors.ts';

/** One of several runs that together do the whole. */
export interface Shard {
  /** From 1 on. */
  readonly index: number;
  readonly of: number;
}

export const WHOLE: Shard = { index: 1, of: 1 };

/** @throws KhoforgeError `USAGE` for what is not like `3/16` */
export function parseShard(text: string): Shard {
  const shard = shardOf(text);
  if (shard) return shard;
  throw new KhoforgeError('USAGE', `'${text}' is no shard`, { hint: '--shard 3/16 is the third of sixteen' });
}

export const isShard = (text: string): boolean => shardOf(text) !== undefined;

function shardOf(text: string): Shard | undefined {
  const [, index, of] = (/^([1-9]\d{0,5})\/([1-9]\d{0,5})$/.exec(text) ?? []).map(Number);
  return index !== undefined && of !== undefined && index <= of ? { index, of } : undefined;
}

export const shardText = ({ index, of }: Shard): string => `${index}/${of}`;

/** Whether the shard does what has this number, counted from 0. */
export const isIn = ({ index, of }: Shard, number: number): boolean => number % of === index - 1;

/** The shards that are wanting for a whole, as texts. @param there as texts, of one split */
export function missingShards(there: readonly string[]): string[] {
  const of = Math.max(0, ...there.map((text) => parseShard(text).of));
  const known = new Set(there);
  const all = Array.from({ length: of }, (_, i) => shardText({ index: i + 1, of }));
  return all.filter((text) => !known.has(text));
}

/** Of two splits, such as `1/2` and `1/3`, nobody can tell at a glance what the whole is. @param there as texts */
export const isOneSplit = (there: readonly string[]): boolean =>
  new Set(there.map((text) => parseShard(text).of)).size <= 1;

const LISTED = 8;

/** A list that a person reads, however many there are. */
export function shardList(texts: readonly string[]): string {
  const more = texts.length - LISTED;
  return [...texts.slice(0, LISTED), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}
