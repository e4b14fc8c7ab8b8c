import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { generationByName } from '../../src/abi/generations.ts';
import { type Item, knownProfile, type Profile } from '../../src/abi/profile.ts';
import { radixGeometry } from '../../src/abi/radix.ts';
import { rootNames } from '../../src/abi/root-names.ts';
import type { Arch, PageSize } from '../../src/abi/target.ts';
import { readImageDirectory, writeImageDirectory } from '../../src/formats/directory.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { targetOf } from '../../src/profile/target.ts';
import { inspect } from '../../src/receive/decode.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { specDifferences, specOf } from '../../src/respec/as-spec.ts';
import { rootFdtAt } from '../../src/source/candidates.ts';
import { errorOf } from '../thrown.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-target-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Edit = Partial<Item> | null;

/** The profile of a release with some of its items changed, added (with a kind) or, by null, removed. */
function edited(
  edits: Record<string, Edit>,
  release = '7.3',
  arch: Arch = 'x86_64',
  page: PageSize = 4096,
): Profile {
  const profile = knownProfile(release, arch, page);
  if (profile === undefined) throw new Error(`no profile of ${release}`);
  const items = profile.items.flatMap((item): Item[] => {
    const edit = edits[item.name];
    return edit === null ? [] : [{ ...item, ...edit }];
  });
  const names = new Set(profile.items.map(({ name }) => name));
  const header = 'include/linux/kho/abi/kexec_handover.h';
  const added = Object.entries(edits).flatMap(([name, edit]): Item[] =>
    edit?.kind !== undefined && !names.has(name) ? [{ header, ...edit, kind: edit.kind, name }] : [],
  );
  return { ...profile, items: [...items, ...added] };
}

const V5 = {
  KHO_FDT_COMPATIBLE: { value: 'kho-v5' },
  KHO_SUB_TREE_PROP_NAME: { value: 'blob' },
  KHO_SUB_TREE_SIZE_PROP_NAME: { value: 'blob-bytes' },
  KHO_METADATA_NODE_NAME: { value: 'kexec-meta' },
  KHO_KEXEC_METADATA_VERSION: { value: 2 },
  KHO_TEST_COMPAT: { value: 'kho-test-v2' },
  kho_scratch: { size: 24 },
  'kho_scratch.flags': { kind: 'field', offset: 16, size: 8 },
  kho_kexec_metadata: { size: 81 },
  'kho_kexec_metadata.kexec_count': { offset: 69, size: 8 },
  'kho_kexec_metadata.flags': { kind: 'field', offset: 77, size: 4 },
} as const;

const spec = {
  subtrees: [
    { 'kexec-metadata': { previous_release: '7.4.0', kexec_count: 7 } },
    { kho_test: { max_mem: '64KiB' } },
  ],
};

describe('targetOf', () => {
  it.each(['6.17', '6.18', '6.19', '7.1', '7.2', '7.3'])(
    '%s as it is: the generation itself, and nothing to say',
    (release) => {
      const { target, notes, base } = targetOf(edited({}, release));
      expect(target.generation).toBe(generationByName(target.generation.name));
      expect(target.generation.releases).toContain(release);
      expect([base, notes]).toEqual([release, []]);
    },
  );

  it('takes strings, constants and layouts from the tree', () => {
    const { target, notes } = targetOf(edited(V5));
    expect(target.generation.name).toBe('kho-v5');
    expect(rootNames(target.abi)).toMatchObject({
      compatible: 'kho-v5',
      blob: 'blob',
      blobSize: 'blob-bytes',
    });
    expect(target.abi.number('KHO_KEXEC_METADATA_VERSION')).toBe(2);
    expect(target.abi.struct('kho_scratch').layout).toMatchObject({
      size: 24,
      fields: [{}, {}, { name: 'flags', offset: 16 }],
    });
    expect(notes).toContain("KHO_TEST_COMPAT: 'kho-test-v2'; in 7.3 'kho-test-v1'");
    expect(notes).toContain('kho_scratch.flags is new: written as 0, unless the spec overrides it');
  });

  it('an image for it holds the new forms, byte by byte, and is read back by them', () => {
    const { target } = targetOf(edited(V5));
    const override = { 'kexec-metadata/flags': 0x55, 'scratch[1]/flags': '0x1122' };
    const image = buildImage({ ...spec, override }, { target });
    const found = inspect(image);
    expect(found.problems).toEqual([]);
    const [test, metadata] = found.subtrees;
    expect([test?.name, metadata?.name]).toEqual(['kho_test', 'kexec-meta']);
    const blob = Buffer.from(image.memory.read(metadata?.phys ?? 0n, 81));
    expect(blob.readUInt32LE(0)).toBe(2);
    expect(blob.toString('latin1', 4, 9)).toBe('7.4.0');
    expect(blob.readBigUInt64LE(69)).toBe(7n);
    expect(blob.readUInt32LE(77)).toBe(0x55);
    const array = Buffer.from(image.memory.read(image.bootRecord.scratchAddr, 72));
    expect(image.bootRecord.scratchSize).toBe(72n);
    expect(array.readBigUInt64LE(24)).toBe(image.scratch[1]?.start);
    expect(array.readBigUInt64LE(40)).toBe(0x1122n);
    const fdt = Buffer.from(image.memory.read(image.bootRecord.fdtAddr, 4096)).toString('latin1');
    for (const text of ['kho-v5\0', 'blob\0', 'blob-bytes\0', 'kexec-meta\0']) expect(fdt).toContain(text);
    expect(fdt).not.toContain('preserved-data');
  });

  it('goes with the image: a directory is read, verified and turned into a spec by the same target', () => {
    const directory = join(folder, 'v5');
    const { target } = targetOf(edited(V5));
    writeImageDirectory(buildImage(spec, { target }), directory);
    const image = readImageDirectory(directory);
    expect(image.target.generation).toEqual({
      ...target.generation,
      scratchAlignment: expect.any(Function),
      memoryMap: expect.anything(),
    });
    const { verdict, receiver, findings } = verifyImage(image);
    expect({ verdict, receiver, findings }).toEqual({ verdict: 'revived', receiver: 'kho-v5', findings: [] });
    expect(verifyImage(image, { receiver: '7.3' }).verdict).toBe('rejected');
    const inspection = inspect(image);
    expect(specDifferences(specOf(image, inspection), image, inspection)).toEqual([]);
  });

  it('takes the depth of the tree as the tree computes it', () => {
    const shallow = targetOf(edited({ KHO_TREE_MAX_DEPTH: { value: 4 } }, '7.3', 'arm64', 16384)).target;
    expect(radixGeometry(shallow).depth).toBe(4);
    const error = errorOf(() => buildImage({ ...spec, scratch: [{ size: '64MiB' }] }, { target: shallow }));
    expect(error.message).toBe('radix-order-lost: folios below order 1 lose their order in this tree');
    expect(shallow.generation.name).toBe('kho-v4-tree');
  });

  it('takes the bitmaps of a chain', () => {
    const { target } = targetOf(
      edited(
        {
          PRESERVE_BITS: { value: 8192 },
          kho_mem_phys_bits: { size: 1024 },
          'kho_mem_phys_bits.preserve': { size: 1024 },
        },
        '6.18',
      ),
    );
    const image = buildImage({ subtrees: [{ kho_test: {} }] }, { target });
    expect(inspect(image).problems).toEqual([]);
    expect(verifyImage(image).verdict).toBe('revived');
  });

  it('a version that is gone is not written', () => {
    const { target, notes } = targetOf(
      edited({
        'kho_kexec_metadata.version': null,
        'kho_kexec_metadata.previous_release': { offset: 0 },
        'kho_kexec_metadata.kexec_count': { offset: 65 },
        kho_kexec_metadata: { size: 69 },
      }),
    );
    expect(notes).toContain('kho_kexec_metadata.version is gone; 7.3 has it');
    const values = { version: 1, previous_release: 'abc', kexec_count: 3 };
    const bytes = target.abi.struct('kho_kexec_metadata').encode(values);
    expect(Buffer.from(bytes.subarray(0, 3)).toString()).toBe('abc');
    expect(target.abi.struct('kho_kexec_metadata').decode(bytes)).toEqual({ ...values, version: 0 });
    const image = buildImage(spec, { target });
    expect(inspect(image).problems).toEqual([]);
    expect(verifyImage(image).findings).toEqual([]);
  });

  it('a property that is gone is not written', () => {
    const { target } = targetOf(edited({ KHO_SUB_TREE_SIZE_PROP_NAME: null }));
    const image = buildImage(spec, { target });
    expect(Buffer.from(image.memory.read(image.bootRecord.fdtAddr, 4096)).includes('blob-size')).toBe(false);
  });

  it('what is gone is refused when an image needs it, and not before', () => {
    const { target } = targetOf(edited({ luo_file_ser: null, 'luo_file_ser.data': null }));
    expect(() => buildImage(spec, { target })).not.toThrow();
    expect(errorOf(() => target.abi.struct('luo_file_ser').layout)).toMatchObject({
      code: 'TARGET_INEXPRESSIBLE',
      message: expect.stringContaining('struct luo_file_ser'),
    });
    const { target: renamed } = targetOf(edited({ KHO_TEST_COMPAT: null }));
    expect(errorOf(() => buildImage(spec, { target: renamed })).message).toContain('KHO_TEST_COMPAT');
  });

  it('names a new structure and a new constant, which images have nothing of', () => {
    const { notes } = targetOf(
      edited({
        kho_extra: { kind: 'struct', size: 8, align: 8 },
        'kho_extra.what': { kind: 'field', offset: 0, size: 8 },
        KHO_EXTRA: { kind: 'macro', value: 3 },
      }),
    );
    const header = 'include/linux/kho/abi/kexec_handover.h';
    expect(notes).toEqual([
      `KHO_EXTRA is new (${header}): images have nothing of it`,
      `kho_extra is new (${header}): images have nothing of it`,
    ]);
  });

  it.each([
    [
      'a node of the radix tree',
      { kho_radix_node: { size: 8192 }, 'kho_radix_node.table': { size: 8192 } },
      'kho_radix_node',
    ],
    ['the size of its tables', { KHO_TABLE_SIZE_LOG2: { value: 8 } }, 'KHO_TABLE_SIZE_LOG2'],
    ['a deeper tree than keys have bits', { KHO_TREE_MAX_DEPTH: { value: 7 } }, '7 levels'],
    ['a chunk of vmalloc', { 'kho_vmalloc_chunk.hdr.next': { offset: 4088 } }, 'kho_vmalloc_chunk'],
    [
      'a property that grew as another structure than its own did',
      { luo_flb_header_ser: { size: 24 }, 'kho_test:folios_info': { size: 24 } },
      'kho_test:folios_info has 24 bytes, 16 are read',
    ],
    ['a string that became a number', { KHO_TEST_COMPAT: { value: 2 } }, 'KHO_TEST_COMPAT'],
    ['a property of another length', { 'kho_test:magic': { size: 8 } }, 'kho_test:magic'],
    ['fields that overlap', { 'kho_scratch.size': { offset: 4 } }, 'kho_scratch'],
    ['a field behind the end', { 'kho_scratch.size': { offset: 12 } }, 'kho_scratch'],
    ['the root string, gone', { KHO_FDT_COMPATIBLE: null }, 'KHO_FDT_COMPATIBLE'],
  ])('refuses, by name, what data cannot say: %s', (_what, edits: Record<string, Edit>, name) => {
    const error = errorOf(() => targetOf(edited(edits)));
    expect(error.code).toBe('TARGET_INEXPRESSIBLE');
    expect(error.message).toContain(name);
    expect(error.hint).toBeDefined();
  });

  it('says what headers without source files leave open', () => {
    const profile = edited({ KHO_TEST_COMPAT: null, KHO_FDT_COMPATIBLE: { value: 'kho-v5' } });
    const { 'lib/test_kho.c': _, ...headers } = profile.headers;
    const { notes, target } = targetOf({ ...profile, headers });
    expect(notes).toContain('not in the headers that were read, so as in 7.3: KHO_TEST_COMPAT');
    expect(() => buildImage(spec, { target })).not.toThrow();
  });

  it('has a root FDT that is found by its own compatible string, whatever that is', () => {
    const { target } = targetOf(edited({ KHO_FDT_COMPATIBLE: { value: 'handover-v1' } }));
    const { memory, bootRecord } = buildImage(spec, { target });
    if (bootRecord.kind === 'none') throw new Error('nothing is handed over');
    expect(rootFdtAt(memory, bootRecord.fdtAddr)).toBeUndefined();
    expect(rootFdtAt(memory, bootRecord.fdtAddr, target)?.compatible).toBe('handover-v1');
  });

  it('writes the bits of a folio where the tree has them', () => {
    const { target } = targetOf(
      edited({
        'memfd_luo_folio_ser.pfn': { bitWidth: 50 },
        'memfd_luo_folio_ser.flags': { bitOffset: 50, bitWidth: 14 },
        MEMFD_LUO_FOLIO_DIRTY: { value: 4 },
        MEMFD_LUO_FH_COMPATIBLE: { value: 'memfd-v3' },
        LUO_KHO_ENTRY_NAME: { value: 'LUO2' },
      }),
    );
    const files = [{ token: 1n, memfd: { content: { text: 'a' } } }];
    const image = buildImage({ subtrees: [{ luo: { sessions: [{ name: 'vm0', files }] } }] }, { target });
    const at = (path: string) => image.placements.find((one) => one.path.endsWith(path))?.start ?? 0n;
    const word = Buffer.from(image.memory.read(at('folios/pages[0]'), 8)).readBigUInt64LE();
    expect(word & ((1n << 50n) - 1n)).toBe(at('folios[0]') >> 12n);
    expect(word >> 50n).toBe(4n | 2n);
    expect(verifyImage(image)).toMatchObject({ verdict: 'revived', findings: [] });
    const broken = { 'LUO/compatible': 'luo-v9' };
    const wrong = buildImage({ subtrees: [{ luo: {} }], override: broken }, { target });
    expect(verifyImage(wrong)).toMatchObject({ verdict: 'broken', findings: [{ check: 'luo-compatible' }] });
  });

  it('refuses BTF, which has no strings', () => {
    expect(errorOf(() => targetOf({ ...edited({}), obtained: 'btf' })).code).toBe('TARGET_UNKNOWN');
  });
});
