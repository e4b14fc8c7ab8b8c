import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StructName } from '../../src/abi/declared.ts';
import { makeTarget } from '../../src/abi/target.ts';
import { getProperty, readFdt } from '../../src/fdt/reader.ts';
import { asU64Native } from '../../src/fdt/values.ts';
import type { BuiltImage } from '../../src/produce/assembly.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { inspectText } from '../../src/render/inspect.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import type { Call } from '../fdt/calls.ts';
import { libfdtSteps } from '../fdt/calls.ts';
import { LibfdtOracle } from '../oracle/libfdt.ts';

const RELEASES = ['6.17', '6.18', '6.19'] as const;
const kho_test = { kho_test: { seed: 1, max_mem: '1MiB' } };
const mine = { raw: { name: 'mine', content: { text: 'abc' } } };

const build = (release: string, change: Spec = {}) =>
  buildImage({ target: { release }, subtrees: [kho_test, mine], ...change });
const placed = (image: BuiltImage, path: string) =>
  image.placements.find((placement) => placement.path === path)?.start ?? 0n;
const fdtOf = (image: BuiltImage) => image.memory.read(image.bootRecord.fdtAddr, image.target.pageSize);
const u64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
};

describe('structures of kernel/kexec_handover.c (1.5 of docs/kho-facts.md)', () => {
  it('have the sizes that its static_assert demands', () => {
    for (const pageSize of [4096, 16384, 65536]) {
      const target = makeTarget({ release: '6.18', arch: 'arm64', pageSize });
      expect(target.abi.struct('kho_mem_phys_bits').size).toBe(pageSize);
      const before = makeTarget({ release: '6.17', arch: 'arm64', pageSize });
      expect(before.abi.struct('kho_mem_phys_bits').size).toBe(512);
    }
    const shape = (name: StructName) =>
      makeTarget({ release: '6.18' })
        .abi.struct(name)
        .layout.fields.map(({ name, offset }) => `${name}@${offset}`)
        .join(' ');
    expect(shape('khoser_mem_chunk_hdr')).toBe('next@0 order@8 num_elms@12');
    expect(shape('khoser_mem_bitmap_ptr')).toBe('phys_start@0 bitmap@8');
  });
});

describe('root FDT of kho-v1: byte equality with libfdt for the calls of each kernel', () => {
  let oracle: LibfdtOracle;
  beforeAll(async () => {
    oracle = await LibfdtOracle.start();
  });
  afterAll(() => oracle?.stop());

  const blobs = (image: BuiltImage) =>
    [
      ['kho_test', placed(image, 'kho_test/fdt')],
      ['mine', placed(image, 'mine')],
    ] as const;
  const base = (image: BuiltImage): Call[] => [
    ['create', 4096],
    ['finish_reservemap'],
    ['begin_node', ''],
    ['property_string', 'compatible', 'kho-v1'],
    ['property', 'preserved-memory-map', u64(placed(image, 'memory-map'))],
  ];
  const end: Call[] = [['end_node'], ['finish']];

  /** kho_finalize() with a notifier per user, kernel/kexec_handover.c, 6.17 and 6.18. */
  const sequential = (image: BuiltImage): Call[] => [
    ...base(image),
    ...blobs(image).flatMap(([name, phys]): Call[] => [
      ['begin_node', name],
      ['property', 'fdt', u64(phys)],
      ['end_node'],
    ]),
    ...end,
  ];
  /** kho_out_fdt_setup(), then kho_add_subtree() per user, kernel/liveupdate/kexec_handover.c, 6.19. */
  const edited = (image: BuiltImage): Call[] => [
    ...base(image),
    ...end,
    ...blobs(image).flatMap(([name, phys]): Call[] => [
      ['open_into', 4096],
      ['add_subnode', '/', name],
      ['setprop', `/${name}`, 'fdt', u64(phys)],
      ['pack'],
    ]),
  ];

  it.each([
    ['6.17', sequential],
    ['6.18', sequential],
    ['6.19', edited],
  ] as const)('%s', async (release, calls) => {
    const image = build(release);
    const steps = await libfdtSteps(oracle, calls(image));
    const page = Buffer.from(steps.at(-1)?.buffer ?? '', 'hex');
    const tree = page.subarray(0, page.readUInt32BE(4));
    expect(Buffer.from(fdtOf(image)).subarray(0, tree.length).toString('hex')).toBe(tree.toString('hex'));
  });

  it.each([
    ['6.17', [48, 64], ['kho_test', 'mine']],
    ['6.18', [48, 64], ['kho_test', 'mine']],
    ['6.19', [40, 56], ['mine', 'kho_test']],
  ] as const)('%s has the offsets and the order of 1.3', (release, offsets, names) => {
    const page = Buffer.from(fdtOf(build(release)));
    expect([page.readUInt32BE(16), page.readUInt32BE(8)]).toEqual(offsets);
    expect(readFdt(page).root.children.map(({ name }) => name)).toEqual(names);
  });

  it.each(RELEASES)('%s has one property per subtree, and no metadata', (release) => {
    const image = build(release);
    for (const node of readFdt(fdtOf(image)).root.children) {
      expect(node.properties.map(({ name }) => name)).toEqual(['fdt']);
    }
    const metadata = { 'kexec-metadata': { previous_release: '6.19.0', kexec_count: 1 } };
    expect(() => build(release, { subtrees: [metadata] })).toThrow(/subtree-unknown/);
  });
});

describe('an image of kho-v1', () => {
  it.each(RELEASES)('of %s reads back', (release) => {
    const inspection = inspect(build(release));
    expect(inspection.problems).toEqual([]);
    const test = inspection.subtrees.find(({ name }) => name === 'kho_test');
    expect(test?.decoded?.fields).toMatchObject({ contents: 'match the checksum' });
    expect(inspection.walk?.findings).toEqual([]);
  });

  it.each([4096, 16384, 65536])('works with pages of %i bytes', (page_size) => {
    for (const release of RELEASES) {
      const image = build(release, {
        target: { release, arch: 'arm64', page_size },
        ram: '4GiB',
        scratch: [{ size: '512MiB' }],
      });
      expect(inspect(image).problems).toEqual([]);
    }
  });

  it('has chunks and bitmaps outside scratch, and preserves neither', () => {
    for (const release of RELEASES) {
      const image = build(release, { preserve: [{ name: 'far', order: 0, addr: '0x9000000' }] });
      const { walk } = inspect(image);
      for (const path of ['memory-map', 'memory-map/bitmaps']) {
        const at = placed(image, path);
        expect(image.scratch.some(({ start, size }) => at >= start && at < start + size)).toBe(false);
        const ranges = [...(walk?.ranges ?? [])];
        expect(ranges.some((start, i) => i % 2 === 0 && at >= start && at < (ranges[i + 1] ?? 0n))).toBe(
          false,
        );
      }
    }
  });

  it('of 6.17 has bitmaps that share pages, of 6.18 each has its own', () => {
    for (const [release, size] of [
      ['6.17', 512n],
      ['6.18', 4096n],
    ] as const) {
      const image = build(release);
      const map = image.memory.read(placed(image, 'memory-map') + 24n, 8);
      const next = image.memory.read(placed(image, 'memory-map') + 4096n + 24n, 8);
      expect((asU64Native(next, 'little') ?? 0n) - (asU64Native(map, 'little') ?? 0n)).toBe(size);
    }
  });

  it('is told by the release or by the compatible string with it', () => {
    const name = (target: Spec['target']) => buildImage({ target }).target.generation.name;
    expect(name({ release: '6.16' })).toBe('kho-v1-6.17');
    expect(name({ release: '6.18', generation: 'kho-v1' })).toBe('kho-v1-6.18');
    expect(name({ generation: 'kho-v1' })).toBe('kho-v1');
    expect(() => name({ release: '7.1', generation: 'kho-v1' })).toThrow(/7.1 writes kho-v3, not kho-v1/);
  });
});

describe('test_kho of 6.17', () => {
  it('has the list of folios in the FDT itself, in as many pages as that takes', () => {
    const orders = Array<number>(1500).fill(0);
    const image = build('6.17', { subtrees: [{ kho_test: { orders } }] });
    expect(image.placements.some(({ path }) => path.includes('folios_info'))).toBe(false);
    const fdt = image.placements.find(({ path }) => path === 'kho_test/fdt');
    expect(fdt?.size).toBe(4096n * 4n); // get_order(1500 * 8 + 4096)
    const [test] = inspect(image).subtrees;
    expect(test?.decoded?.problems).toEqual([]);
    expect(test?.decoded?.fields).toMatchObject({ nr_folios: 1500, contents: 'match the checksum' });
  });

  it('is not what 6.18 reads, under the same compatible string', () => {
    const image = build('6.17');
    const misread = inspect({ ...image, target: makeTarget({ release: '6.18' }) });
    const test = misread.subtrees.find(({ name }) => name === 'kho_test');
    expect(test?.decoded?.problems[0]).toMatch(/folios_info has 80 bytes, expected 16/);
  });
});

describe('finalized: false', () => {
  it.each(['6.17', '6.18'])('on %s hands over nothing at all', (release) => {
    const image = build(release, { finalized: false });
    expect(image.bootRecord).toEqual({
      kind: 'none',
      fdtAddr: 0n,
      fdtSize: 0n,
      scratchAddr: 0n,
      scratchSize: 0n,
    });
    expect(image.placements.some(({ path }) => ['root-fdt', 'scratch', 'memory-map'].includes(path))).toBe(
      false,
    );
    const inspection = inspect(image);
    expect(inspection).toMatchObject({ handedOver: false, finalized: false, fdt: null, problems: [] });
    expect(inspectText(inspection, 'x').join('\n')).toContain('nothing handed over');
  });

  it('on 6.19 leaves the subtrees and the memory map 0', () => {
    const root = readFdt(fdtOf(build('6.19', { finalized: false }))).root;
    expect(root.children).toHaveLength(2);
    const map = getProperty(root, 'preserved-memory-map')?.value ?? new Uint8Array();
    expect(asU64Native(map, 'little')).toBe(0n);
  });
});

describe('bad maps on purpose', () => {
  it('override chunks, their elements and bitmaps', () => {
    const image = build('6.17', {
      override: {
        'memory-map/chunks[0]/next': '0xdead000',
        'memory-map/chunks[0]/num_elms': 7,
        'memory-map/chunks[0]/bitmaps[0]/phys_start': '0x1000000',
        'memory-map/bitmaps[0]/preserve[3]': '0xf0',
      },
    });
    const chunk = image.memory.read(placed(image, 'memory-map'), 4096);
    expect(image.target.abi.struct('khoser_mem_chunk_hdr').decode(chunk)).toEqual({
      next: 0xdead000n,
      order: 0,
      num_elms: 7,
    });
    const element = image.target.abi.struct('khoser_mem_bitmap_ptr').decode(chunk.subarray(16));
    expect(element).toEqual({ phys_start: 0x1000000n, bitmap: placed(image, 'memory-map/bitmaps') });
    const bitmap = image.target.abi
      .struct('kho_mem_phys_bits')
      .decode(image.memory.read(element.bitmap, 512));
    expect(bitmap.preserve[3]).toBe(0xf0n);
    const codes = inspect(image).walk?.findings.map(({ code }) => code);
    expect(codes).toContain('CHUNK_OUTSIDE');
  });

  it('refuse a path that is not there', () => {
    expect(() => build('6.17', { override: { 'memory-map/chunks[99]/next': 0 } })).toThrow(
      expect.objectContaining({ code: 'OVERRIDE_UNKNOWN' }),
    );
  });

  it('place the bitmaps anywhere, and see what is too large for a receiver', () => {
    const image = build('6.18', { place: { 'memory-map': '0x5000000', 'memory-map/bitmaps': '0x6000000' } });
    expect(inspect(image).problems).toEqual([]);
    expect(inspect(image).memoryMap).toBe(0x5000000n);
    const huge = { ram: '8GiB', preserve: [{ name: 'huge', size: '4GiB', addr: '4GiB' }] };
    expect(() => build('6.18', huge)).toThrow(/range-order/);
  });
});
