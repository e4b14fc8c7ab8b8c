import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LibfdtOracle } from '../oracle/libfdt.ts';
import { edits, nestedTree, RUNS, sequentialCalls, validTree, withRoom } from './arbitraries.ts';
import { type Call, khoforgeBuffer, khoforgeSteps, libfdtSteps } from './calls.ts';
import {
  addSubtreeCalls,
  baseCalls,
  goldenPage,
  RADIX_ROOT,
  removeSubtreeCalls,
  SUBTREES,
} from './root-fdt-7.3.ts';

// Every test in this file claims byte equality with libfdt, of the whole buffer, after each call of a sequence.

let oracle: LibfdtOracle;
beforeAll(async () => {
  oracle = await LibfdtOracle.start();
});
afterAll(() => oracle?.stop());

async function sameSteps(calls: Call[]): Promise<void> {
  expect(khoforgeSteps(calls)).toEqual(await libfdtSteps(oracle, calls));
}

describe('byte equality with libfdt on random calls', () => {
  it('of a sequential write, calls in any order and errors included', async () => {
    await fc.assert(fc.asyncProperty(sequentialCalls, sameSteps), RUNS);
  });

  const room = fc.integer({ min: 0, max: 400 });
  for (const [what, tree] of Object.entries({
    'a valid tree': validTree,
    'a tree with repeated names': nestedTree,
  })) {
    it(`of edits of ${what}, errors included`, async () => {
      const edited = fc
        .tuple(tree, room)
        .map(([calls, more]) => withRoom(calls, more))
        .chain((calls) => edits(khoforgeBuffer(calls).length).map((after): Call[] => [...calls, ...after]));
      await fc.assert(fc.asyncProperty(edited, sameSteps), RUNS);
    });
  }
});

describe('byte equality with libfdt on the calls of a kernel', () => {
  const base = baseCalls(RADIX_ROOT);
  const added = SUBTREES.flatMap(addSubtreeCalls);

  it('of the root FDT with two subtrees, which libfdt writes as the kernel did', async () => {
    await sameSteps([...base, ...added]);
    const steps = await libfdtSteps(oracle, [...base, ...added]);
    expect(steps.at(-1)?.buffer).toBe(goldenPage().toString('hex'));
  });

  it('of subtrees that are removed and added again', async () => {
    await sameSteps([
      ...base,
      ...added,
      ...removeSubtreeCalls('kexec-metadata'),
      ...addSubtreeCalls(SUBTREES[0]),
    ]);
  });

  it('of a page that overflows in the middle of a subtree', async () => {
    const many = Array.from({ length: 70 }, (_, index) => ({
      name: `subtree${index}`,
      phys: 1n << 40n,
      size: 73n,
    }));
    const calls = [...base, ...many.flatMap(addSubtreeCalls)];
    await sameSteps(calls);
    const results = khoforgeSteps(calls).map((step) => step.result);
    expect(results).toContain('FDT_NO_SPACE');
    expect(results.indexOf('FDT_NO_SPACE')).toBeGreaterThan(7 + 5 * 60);
  });
});
