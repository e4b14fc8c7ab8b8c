import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { buildImage, buildParsed } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { specDifferences, specOf, specYaml } from '../../src/respec/as-spec.ts';
import { loadSpec } from '../../src/specfile/load.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { errorOf } from '../thrown.ts';

const COUNT = 3000;
/** Every second page, and every fourth pair of pages. */
const single = Array.from({ length: COUNT }, (_, i) => `0x${(0x10000 + 2 * i).toString(16)}`);
const double = Array.from({ length: COUNT }, (_, i) => `${0x20000 + 4 * i}-${0x20001 + 4 * i}`);

const spec: Spec = {
  ram: '1GiB',
  preserve: [
    { name: 'single', order: 0, pfns: single.join(' ') },
    { name: 'double', order: 1, pfns: double.join(',\n') },
  ],
};

it('preserves the page frames that a spec lists', () => {
  const { walk } = inspect(buildImage(spec));
  expect(Array.from(walk?.byOrder.slice(0, 2) ?? [], Number)).toEqual([expect.any(Number), COUNT]);
  expect(Number(walk?.byOrder[0])).toBeGreaterThanOrEqual(COUNT);
  expect([...(walk?.ranges ?? [])]).toContain(0x1000_2000n);
});

it('lists memory in thousands of pieces by its page frames: a few bytes for each, which can be built', () => {
  const image = buildImage(spec);
  const again = specOf(image, inspect(image));
  expect(again.preserve?.map(({ name }) => name)).toEqual(['memory-order-0', 'memory-order-1']);
  expect(specDifferences(again, image, inspect(image))).toEqual([]);

  const yaml = specYaml(again, 'the test');
  expect(yaml.length).toBeLessThan(COUNT * 2 * 16);
  const folder = mkdtempSync(join(tmpdir(), 'khoforge-fragments-'));
  writeFileSync(join(folder, 'spec.yaml'), yaml);
  const built = buildParsed(loadSpec(join(folder, 'spec.yaml')).spec, {});
  expect(inspect(built).walk?.ranges).toEqual(inspect(image).walk?.ranges);
  rmSync(folder, { recursive: true });
});

it.each([
  ['scratch-overlap', { order: 0, pfns: '0x3000 0x5000' }],
  ['outside-ram', { order: 0, pfns: '0x10000 0x900000' }],
  ['first-megabyte', { order: 0, pfns: '0x10 0x10000' }],
  ['placement-overlap', { order: 0, pfns: '0x10000 0x20004' }],
])('checks the place of each: %s', (check, entry) => {
  const more = {
    ...spec,
    scratch: [{ size: '16MiB', addr: '0x5000000' }],
    preserve: [...(spec.preserve ?? [])],
  };
  more.preserve[0] = { name: 'single', ...entry };
  expect(errorOf(() => buildImage(more)).checks).toEqual([check]);
});

it('puts nothing else there, and refuses what is put there', () => {
  const low = { ram: '1GiB', preserve: [{ name: 'low', order: 0, pfns: '0x200-0x2ff 0x301' }] };
  expect(buildImage(low).placements[0]?.start).toBe(0x30_0000n);
  const error = errorOf(() => buildImage({ ...low, place: { 'root-fdt': 0x20_0000n } }));
  expect(error.checks).toEqual(['placement-overlap']);
});

it.each([
  ['5 4', 0, /ascending page frame numbers/],
  ['5-4', 0, /ascending page frame numbers/],
  ['1e5', 0, /ascending page frame numbers/],
  ['', 0, /ascending page frame numbers/],
  ['0x10000-0x10002', 1, /is not made of folios of order 1/],
])('refuses page frames %j of order %i', (pfns, order, message) => {
  expect(() => buildImage({ preserve: [{ name: 'a', order, pfns }] })).toThrow(message);
});

it('takes page frames with an order alone', () => {
  expect(() => buildImage({ preserve: [{ name: 'a', size: 4096, pfns: '0x10000' }] })).toThrow(/order alone/);
  expect(() => buildImage({ preserve: [{ name: 'a', order: 0, count: 2, pfns: '0x10000' }] })).toThrow(
    /order alone/,
  );
});
