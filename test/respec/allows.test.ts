import { expect, it } from 'vitest';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { specDifferences, specOf } from '../../src/respec/as-spec.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { errorOf } from '../thrown.ts';

const raw = (name: string) => ({ raw: { name, content: { seed: 1, size: '4KiB' } } });

it.each<[string, Spec, string[]]>([
  [
    'all that a build gathers',
    { subtrees: [raw('one'), raw('two')], place: { one: 0x1000n, two: 1n << 40n } },
    ['first-megabyte', 'outside-ram'],
  ],
  ['one that ends the build', { subtrees: [raw('a b')] }, ['fdt-node-name']],
  [
    'one that ends it and one that it gathers',
    { subtrees: [raw('a b'), raw('two')], place: { two: 1n << 40n } },
    ['fdt-node-name', 'outside-ram'],
  ],
])('allows what the handover breaks: %s', (_, spec, checks) => {
  const error = errorOf(() => buildImage(spec));
  expect(checks).toEqual(expect.arrayContaining([...error.checks]));
  expect(error.checks.length).toBeGreaterThan(0);
  const image = buildImage({ ...spec, allow: checks as Spec['allow'] });
  const again = specOf(image, inspect(image));
  expect(again.allow?.toSorted()).toEqual(checks);
  expect(specDifferences(again, image, inspect(image))).toEqual([]);
});
