import { describe, expect, it } from 'vitest';
import { Draw } from '../../src/fuzz/draw.ts';

describe('Draw', () => {
  it('is the same on every machine: what is drawn stands here', () => {
    const draw = new Draw('1', 0);
    expect([draw.below(1000), draw.below(1000), draw.u64(), draw.pick(['a', 'b', 'c'])]).toEqual([
      141,
      857,
      1208687800335384082n,
      'b',
    ]);
  });

  it('is another one for another seed and another run', () => {
    const first = (seed: string, run: number) => new Draw(seed, run).u64();
    expect(new Set([first('1', 0), first('1', 1), first('2', 0), first('11', 0), first('1', 10)]).size).toBe(
      5,
    );
  });

  it('draws each of a few', () => {
    const draw = new Draw('few', 0);
    expect(new Set(Array.from({ length: 100 }, () => draw.below(5)))).toEqual(new Set([0, 1, 2, 3, 4]));
    expect(() => draw.pick([])).toThrow(RangeError);
  });
});
