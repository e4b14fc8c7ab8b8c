import { afterAll, expect, it } from 'vitest';
import type { Spec } from '../../src/specfile/schema.ts';
import { WorkCounter } from '../work.ts';

const counter = new WorkCounter();
const { buildImage } = await import('../../src/produce/build-image.ts');
const { inspect } = await import('../../src/receive/decode.ts');
const { specDifferences, specOf, specYaml } = await import('../../src/respec/as-spec.ts');

afterAll(() => counter.close());

const PAGE = 4096n;
const FIRST = 0x1000_0000n;

/** A file of `count` pieces, with a hole behind each in the file and, since all are placed, in memory. */
function piecesSpec(count: number): Spec {
  const numbers = Array.from({ length: count }, (_, i) => i);
  const content = numbers.map((i) => ({ zero: PAGE, at: BigInt(i) * 2n * PAGE }));
  const places = numbers.map((i) => [
    `LUO/sessions[0]/files[0]/memfd/folios[${i}]`,
    FIRST + BigInt(i) * 2n * PAGE,
  ]);
  return {
    ram: '1GiB',
    subtrees: [{ luo: { sessions: [{ name: 'a', files: [{ token: 1, memfd: { content } }] }] } }],
    place: Object.fromEntries(places),
  };
}

/** How much more work a task is with twice as many pieces: twice, or four times where it looks at each pair. */
function growth(task: (count: number) => () => unknown): number {
  counter.workOf(task(10));
  const [small = 0, large = 0] = [200, 400].map((count) => counter.workOf(task(count)));
  return large / small;
}

it('grows with the pieces alone, not with each pair of them, when it builds them at their places', () => {
  expect(growth((count) => () => buildImage(piecesSpec(count)))).toBeLessThan(2.2);
});

it('does so when a spec is made of them, and compared', () => {
  const task = (count: number) => {
    const image = buildImage(piecesSpec(count));
    return () => {
      const inspection = inspect(image);
      const spec = specOf(image, inspection);
      expect(specDifferences(spec, image, inspection)).toEqual([]);
      return specYaml(spec, 'the test');
    };
  };
  expect(growth(task)).toBeLessThan(2.2);
});
