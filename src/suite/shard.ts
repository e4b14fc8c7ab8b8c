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
  const [, index, of] = (/^([1-9]\d{0,5})\/([1-9]\d{0,5})$/.exec(text) ?? []).map(Number);
  if (index !== undefined && of !== undefined && index <= of) return { index, of };
  throw new KhoforgeError('USAGE', `'${text}' is no shard`, { hint: '--shard 3/16 is the third of sixteen' });
}

export const shardText = ({ index, of }: Shard): string => `${index}/${of}`;

/** Whether the shard does what has this number, counted from 0. */
export const isIn = ({ index, of }: Shard, number: number): boolean => number % of === index - 1;

/** The shards that are wanting for a whole, as texts. @param there as texts */
export function missingShards(there: readonly string[]): string[] {
  const of = Math.max(0, ...there.map((text) => parseShard(text).of));
  const all = Array.from({ length: of }, (_, i) => shardText({ index: i + 1, of }));
  return all.filter((text) => !there.includes(text));
}
