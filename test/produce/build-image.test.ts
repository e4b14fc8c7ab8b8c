import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findNode, getProperty, readFdt } from '../../src/fdt/reader.ts';
import { asCString, asU64Native } from '../../src/fdt/values.ts';
import type { BuiltImage } from '../../src/produce/assembly.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import type { Spec } from '../../src/specfile/schema.ts';

const metadata = { 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 41 } };
const base: Spec = { subtrees: [metadata, { kho_test: { seed: 1, max_mem: '256KiB' } }] };

const rootOf = (image: BuiltImage) =>
  readFdt(image.memory.read(image.bootRecord.fdtAddr, image.target.pageSize)).root;
const placed = (image: BuiltImage, path: string) =>
  image.placements.find((placement) => placement.path === path)?.start;
const metadataOf = (image: BuiltImage) =>
  image.target.abi
    .struct('kho_kexec_metadata')
    .decode(image.memory.read(placed(image, 'kexec-metadata') ?? 0n, 73));

function code(spec: Spec): string {
  try {
    buildImage(spec);
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'no code';
  }
  return 'accepted';
}

describe('buildImage', () => {
  it('makes the subtrees of the spec, the last one first in the root FDT', () => {
    const image = buildImage(base);
    const root = rootOf(image);
    expect(root.children.map(({ name }) => name)).toEqual(['kho_test', 'kexec-metadata']);
    expect(root.children[1]?.properties.map(({ name }) => name)).toEqual(['blob-size', 'preserved-data']);
    expect(metadataOf(image)).toEqual({ version: 1, previous_release: '7.3.4', kexec_count: 41 });
    expect(inspect(image).problems).toEqual([]);
  });

  it('gives the same bytes each time', () => {
    expect(buildImage(base)).toEqual(buildImage(base));
  });

  it.each([
    ['7.0', 'kho-v2', []],
    ['7.1', 'kho-v3', ['blob-size']],
    ['7.3', 'kho-v4', ['blob-size']],
  ])('follows the generation of %s', (release, compatible, sizeProperty) => {
    const root = rootOf(
      buildImage({ target: { release }, subtrees: [{ raw: { name: 'x', content: { text: 'abc' } } }] }),
    );
    expect(asCString(getProperty(root, 'compatible')?.value ?? new Uint8Array())).toBe(compatible);
    expect(findNode(root, '/x')?.properties.map(({ name }) => name)).toEqual([
      ...sizeProperty,
      'preserved-data',
    ]);
  });

  it('has the memory map 0 when nothing was finalized, and inspect says so', () => {
    const image = buildImage({ ...base, finalized: false });
    const map = getProperty(rootOf(image), 'preserved-memory-map')?.value ?? new Uint8Array();
    expect(asU64Native(map, 'little')).toBe(0n);
    expect(inspect(image).finalized).toBe(false);
  });

  it.each([4096, 16384, 65536] as const)('works with pages of %i bytes', (page_size) => {
    const image = buildImage({
      ...base,
      target: { release: '7.3', arch: 'arm64', page_size },
      ram: '4GiB',
      scratch: [{ size: '512MiB' }],
    });
    const inspection = inspect(image);
    expect(inspection.problems).toEqual([]);
    expect(inspection.subtrees[0]?.decoded?.fields).toMatchObject({ contents: 'match the checksum' });
  });

  it('keeps everything it preserves, and its own pages, out of scratch and in RAM', () => {
    const spec = fc.record({
      scratch: fc.array(fc.record({ size: fc.constantFrom('4MiB', '8MiB', 0) }), {
        minLength: 1,
        maxLength: 4,
      }),
      orders: fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 12 }),
      pages: fc.integer({ min: 1, max: 300 }),
    });
    fc.assert(
      fc.property(spec, ({ scratch, orders, pages }) => {
        const image = buildImage({
          ram: '64MiB',
          scratch: [{ size: '4MiB' }, ...scratch],
          subtrees: [metadata, { kho_test: { orders } }],
          preserve: [{ name: 'range', size: pages * 4096 }],
        });
        const taken = [
          ...image.scratch.map(({ start, size }) => ({ start, end: start + size })),
          ...image.placements
            .filter(({ path }) => path !== 'scratch')
            .map(({ start, size }) => ({ start, end: start + size })),
        ]
          .filter(({ start, end }) => start < end)
          .sort((a, b) => (a.start < b.start ? -1 : 1));
        for (let i = 1; i < taken.length; i++) {
          expect(taken[i]?.start).toBeGreaterThanOrEqual(taken[i - 1]?.end ?? 0n);
        }
        for (const { start, end } of taken) {
          expect(image.ram.some((ram) => ram.start <= start && end <= ram.start + ram.size)).toBe(true);
        }
        expect(inspect(image).problems).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('preserves ten million folios in one entry', () => {
    const image = buildImage({
      ram: '64GiB',
      preserve: [{ name: 'guest', order: 0, count: 10_000_000 }],
    });
    expect(inspect(image).walk?.byOrder[0]).toBe(10_000_001n);
  });
});

describe('explicit placement', () => {
  it('puts any structure where it is asked, and nothing else there', () => {
    const image = buildImage({
      ...base,
      place: { 'kexec-metadata': '0x200000', 'kho_test/folios[0]': '0x1000000', 'memory-map': '0x800000' },
      preserve: [{ name: 'fixed', size: '64KiB', addr: '0x202000' }],
    });
    expect(placed(image, 'kexec-metadata')).toBe(0x200000n);
    expect(placed(image, 'kho_test/folios[0]')).toBe(0x1000000n);
    expect(placed(image, 'memory-map')).toBe(0x800000n);
    expect(placed(image, 'preserve/fixed')).toBe(0x202000n);
    expect(inspect(image).problems).toEqual([]);
  });

  it.each([
    ['scratch-overlap', { 'kexec-metadata': '0x1fb00000' }],
    ['outside-ram', { 'kexec-metadata': '0x100000000' }],
    ['first-megabyte', { 'kexec-metadata': '0x10000' }],
    ['placement-overlap', { 'kexec-metadata': '0x800000', 'root-fdt': '0x800000' }],
  ] as const)('names the check %s, and allows it by that name', (check, place) => {
    expect(() => buildImage({ ...base, place })).toThrow(
      new RegExp(`^${check}: kexec-metadata at|^${check}: root-fdt`),
    );
    expect(code({ ...base, place, allow: [check] })).toBe('accepted');
    expect(code({ ...base, place, allow: ['folio-order'] })).toBe('CHECK_FAILED');
  });
});

describe('bad images on purpose', () => {
  it('override a field of a structure, a property, the header of an FDT', () => {
    const image = buildImage({
      ...base,
      override: {
        'kexec-metadata/version': 2,
        'root-fdt/compatible': 'kho-v9',
        'root-fdt/kexec-metadata/blob-size': 3,
        'root-fdt/kho_test/blob-size': null,
        'scratch[1]/size': '3MiB',
        'kho_data/fdt_size': 16,
        'setup_data/type': 9,
      },
    });
    const root = rootOf(image);
    expect(metadataOf(image).version).toBe(2);
    expect(asCString(getProperty(root, 'compatible')?.value ?? new Uint8Array())).toBe('kho-v9');
    expect(findNode(root, '/kho_test')?.properties).toHaveLength(1);
    expect(image.bootRecord).toMatchObject({ fdtSize: 16n, setupDataType: 9 });
    expect(inspect(image).scratch[1]?.size).toBe(3n << 20n);
    expect(inspect(image).problems).toEqual([
      "compatible is 'kho-v9', kho-v4 has 'kho-v4'",
      'kho_test: blob-size is missing or not 8 bytes',
      'kexec-metadata: blob too small: 3 of 73 bytes',
    ]);
  });

  it('rewire a node of the memory map', () => {
    const good = buildImage(base);
    const map = placed(good, 'memory-map') ?? 0n;
    const image = buildImage({ ...base, override: { 'memory-map/nodes[1]/table[7]': map } });
    expect(inspect(image).walk?.findings.map(({ code: finding }) => finding)).toHaveLength(1);
  });

  it('leave a page out, of the memory or of the memory map', () => {
    const good = inspect(buildImage(base));
    const omitted = buildImage({ ...base, omit: ['kexec-metadata'] });
    expect(metadataOf(omitted).version).toBe(0);
    const unpreserved = inspect(buildImage({ ...base, unpreserve: ['kexec-metadata'] }));
    expect(unpreserved.walk?.bytes).toBe((good.walk?.bytes ?? 0n) - 4096n);
  });

  it('patch bytes anywhere in RAM', () => {
    const image = buildImage({ ...base, patch: [{ addr: '0x7fff', bytes: 'de ad' }] });
    expect(image.memory.read(0x7fffn, 2)).toEqual(Uint8Array.of(0xde, 0xad));
  });

  it.each([
    [{ override: { 'root-fdt/compatibel': 'x' } }, 'OVERRIDE_UNKNOWN', /did you mean 'root-fdt\/compatible'/],
    [{ override: { 'kexec-metadata/version': 'two' } }, 'OVERRIDE_INVALID', /./],
    [{ override: { 'kexec-metadata/version': '0x100000000' } }, 'FIELD_RANGE', /./],
    [{ place: { 'kexec-metadat': 4096 } }, 'PATH_UNKNOWN', /did you mean 'kexec-metadata'/],
    [{ omit: ['kho_tset/fdt'] }, 'PATH_UNKNOWN', /did you mean 'kho_test\/fdt'/],
    [{ unpreserve: ['nothing'] }, 'PATH_UNKNOWN', /./],
    [{ target: { release: '7.0' } }, 'CHECK_FAILED', /subtree-unknown/],
    [{ ram: '32MiB', preserve: [{ name: 'all', size: '32MiB' }] }, 'NO_ROOM', /./],
    [{ preserve: [{ name: 'big', size: '1GiB' }] }, 'NO_ROOM', /./],
    [{ preserve: [{ name: 'huge', order: 11 }] }, 'CHECK_FAILED', /folio-order/],
    [{ scratch: [{ size: '5MiB' }] }, 'CHECK_FAILED', /scratch-alignment/],
    [{ scratch: [{ size: '4MiB', addr: '1TiB' }] }, 'CHECK_FAILED', /scratch-outside-ram/],
    [{ scratch: [{ size: 0 }] }, 'CHECK_FAILED', /scratch-array-unplaced/],
    [{ subtrees: [metadata, metadata] }, 'FDT_DUPLICATE_NODE', /./],
  ] as const)('%j is refused: %s', (change, expected, text) => {
    const spec = { ...base, ...change } as Spec;
    expect(code(spec)).toBe(expected);
    try {
      buildImage(spec);
    } catch (error) {
      expect(error instanceof Error && `${error.message} ${'hint' in error ? error.hint : ''}`).toMatch(text);
    }
  });
});
