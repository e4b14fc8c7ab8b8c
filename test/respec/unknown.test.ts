import { expect, it } from 'vitest';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { respecify, specDifferences } from '../../src/respec/as-spec.ts';

it('of a source that tells neither RAM nor scratch can be built, and says what is made up', () => {
  const image = { ...buildImage({ preserve: [{ name: 'a', order: 0 }] }), ram: [], scratch: [] };
  const inspection = { ...inspect(image), scratch: [] };
  const { spec, built } = respecify(image, inspection);
  expect(built).toBeDefined();
  expect(specDifferences(spec, image, inspection, built)).toEqual([
    'RAM is not known: it is what a machine has by default',
    'no scratch was found: it is what a kernel makes by default',
  ]);
});
