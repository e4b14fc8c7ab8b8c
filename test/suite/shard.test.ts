import { describe, expect, it } from 'vitest';
import { isIn, missingShards, parseShard, shardText } from '../../src/suite/shard.ts';
import { codeOf } from '../thrown.ts';

describe('shards', () => {
  it('do each thing once, all together', () => {
    const of = 5;
    const shards = Array.from({ length: of }, (_, i) => parseShard(`${i + 1}/${of}`));
    for (let number = 0; number < 23; number++)
      expect(shards.filter((shard) => isIn(shard, number))).toHaveLength(1);
    expect(missingShards(shards.map(shardText))).toEqual([]);
  });

  it.each(['', '3', '0/4', '5/4', '1/0', '-1/2', '1/2/3', 'a/b', '1.5/2', '1/9999999'])(
    'are not %j',
    (text) => {
      expect(codeOf(() => parseShard(text))).toBe('USAGE');
    },
  );

  it('are known to be missing', () => {
    expect(missingShards(['1/4', '3/4'])).toEqual(['2/4', '4/4']);
    expect(missingShards(['1/1'])).toEqual([]);
  });
});
