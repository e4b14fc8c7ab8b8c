import { describe, expect, it } from 'vitest';
import { Document } from 'yaml';
import type { Attempt } from '../../src/fuzz/attempt.ts';
import { groupOf, groupOfBug } from '../../src/fuzz/group.ts';
import type { Mutation } from '../../src/fuzz/mutation.ts';
import { reduce } from '../../src/fuzz/reduce.ts';

const difference = { predicted: 'revived', actual: 'broken', said: 'WARNING: a' } as const;
const differs: Attempt = { kind: 'differs', difference, evidence: { document: new Document() } };
const other: Attempt = { ...differs, difference: { ...difference, said: 'WARNING: b' } };

const omit = (path: string): Mutation => ({ kind: 'omit', path });
const [a, b, c] = [omit('a'), omit('b'), omit('c')];

/** What is left where all of `needed` have to be there, and how often was asked. */
async function left(needed: readonly Mutation[], without: Attempt = { kind: 'same' }) {
  let asked = 0;
  const ask = async (mutations: readonly Mutation[]) => {
    asked++;
    return needed.every((one) => mutations.includes(one)) ? differs : without;
  };
  const { mutations } = await reduce({ mutations: [a, b, c], attempt: differs }, ask);
  return { mutations, asked };
}

describe('reduce', () => {
  it.each([[[a, b, c]], [[a, c]], [[b]]])('keeps what is needed: %j', async (needed) => {
    expect(await left(needed)).toEqual({ mutations: needed, asked: 3 });
  });

  it('comes to none where the base shows the same as it is', async () => {
    expect(await left([])).toEqual({ mutations: [], asked: 3 });
  });

  it('takes another difference for another cause, and a refusal for none', async () => {
    expect((await left([b], other)).mutations).toEqual([b]);
    expect((await left([b], { kind: 'refused', code: 'X', why: '' })).mutations).toEqual([b]);
  });
});

describe('the group of a difference', () => {
  const said = (line: string) => groupOf({ ...difference, said: line });

  it.each([
    [
      'KHO: setup: failed to memremap scratch (phys=0x1fbf0000, len=48)',
      'KHO: setup: failed to memremap scratch (phys=0x0, len=-1)',
    ],
    ['luo: Failed to insert session [vm0] -17', 'luo: Failed to insert session [a b] -17'],
    [
      'WARNING: mm/a.c:12 at f+0x64/0x142, CPU#0: swapper/0',
      'WARNING: mm/a.c:99 at f+0x1/0x2, CPU#1: swapper/1',
    ],
    [
      'BUG: unable to handle page fault for address: ffff888008000000',
      'BUG: unable to handle page fault for address: ffffea0002000000',
    ],
  ])('is the same for %j and %j', (one, same) => {
    expect(said(one)).toBe(said(same));
    expect(said(one)).toMatch(/^revived-broken-[0-9a-f]{8}$/);
  });

  it('is another for another verdict, line, function or check', () => {
    const groups = [
      said('WARNING: mm/a.c:12 at f+0x64/0x142'),
      said('WARNING: mm/a.c:12 at g+0x64/0x142'),
      groupOf({ ...difference, foretold: 'WARNING: mm/a.c:12 at f+0x64/0x142' }),
      groupOf({ ...difference, actual: 'ignored', said: 'WARNING: mm/a.c:12 at f+0x64/0x142' }),
      groupOf(difference),
      groupOf({ predicted: 'revived', actual: 'broken', check: 'scratch-small' }),
      groupOfBug('Cannot mix BigInt'),
    ];
    expect(new Set(groups).size).toBe(groups.length);
  });
});
