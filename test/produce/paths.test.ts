import { describe, expect, it } from 'vitest';
import { buildImage, specPaths } from '../../src/produce/build-image.ts';
import { parseSpec } from '../../src/specfile/parse.ts';
import type { Spec } from '../../src/specfile/schema.ts';

const good: Spec = {
  subtrees: [{ kho_test: { seed: 1, max_mem: '8KiB' } }, { reserve_mem: [{ name: 'oops', size: '8KiB' }] }],
  preserve: [{ name: 'guest', order: 9 }],
};
/** Each of these alone makes a build fail that knows too little of a spec's paths, or fails by itself. */
const bad: Spec = {
  ...good,
  preserve: [{ name: 'guest', order: 9, addr: '0x8001000' }],
  place: { 'no-such-thing': 0, 'root-fdt': 0 },
  override: { 'no/such/field': 1 },
  omit: ['no-such-thing'],
  unpreserve: ['no-such-thing'],
  patch: [{ addr: '1TiB', bytes: '00' }],
};

describe('the paths of a spec', () => {
  it.each(['6.18', '7.1', '7.3'])('are those before anything is made wrong: %s', (release) => {
    const paths = specPaths(parseSpec({ ...bad, target: { release } }), {});
    expect(paths).toEqual(specPaths(parseSpec({ ...good, target: { release } }), {}));
  });

  it.each(['6.18', '6.19', '7.1', '7.3'])('can each be used, those of the memory map too: %s', (release) => {
    const spec = { ...good, target: { release } };
    const { place, override } = specPaths(parseSpec(spec), {});
    expect(override.some((path) => path.startsWith('memory-map/'))).toBe(true);
    expect(place).toContain('memory-map/root');
    for (const path of place) {
      if (path !== 'memory-map/root' && path !== 'memory-map/bitmaps')
        expect(() => buildImage({ ...spec, omit: [path] }), path).not.toThrow();
    }
    // What a field can be differs: here only that each is one.
    const codes = override.map((path) => {
      try {
        buildImage({ ...spec, override: { [path]: { bytes: '00' } } });
        return 'built';
      } catch (error) {
        return error instanceof Error && 'code' in error ? error.code : error;
      }
    });
    expect(codes.filter((code) => code !== 'built' && code !== 'OVERRIDE_INVALID')).toEqual([]);
  });
});
