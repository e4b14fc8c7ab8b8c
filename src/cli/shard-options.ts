import { InvalidArgumentError } from 'commander';
import { KhoforgeError } from '../base/errors.ts';
import { parseShard, type Shard } from '../suite/shard.ts';

export function shardOption(text: string): Shard {
  try {
    return parseShard(text);
  } catch (error) {
    if (error instanceof KhoforgeError) throw new InvalidArgumentError('Expected one of several, e.g. 3/16.');
    throw error;
  }
}

export function countOption(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('Expected a whole number above 0.');
}
