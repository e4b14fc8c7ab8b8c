import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownProfile } from '../../src/abi/profile.ts';
import { hex } from '../../src/base/numbers.ts';
import { checkExitCode, checkProfile } from '../../src/profile/check.ts';
import { diffProfiles } from '../../src/profile/diff.ts';
import { lintTree } from '../../src/profile/lint.ts';
import { COMBINATIONS, type Combination } from '../../src/profile/source.ts';
import { profileTree } from '../../src/profile/tree.ts';
import { fetchRelease } from '../../src/toolchain/debian.ts';

// The headers come from Debian into the cache (abi/fetch-headers.sh). Where they cannot be had, these tests fail and
// say why; a cross compiler for arm64 is needed as well (gcc-aarch64-linux-gnu, or clang).

const combinationName = ({ arch, pageSize }: Combination) => `${arch}, pages of ${hex(pageSize)} bytes`;

describe.each(['7.2', '7.3'])('headers of %s', (release) => {
  describe.each(['headers', 'source'] as const)('from the %s', (what) => {
    let fetched: ReturnType<typeof fetchRelease>;
    beforeAll(() => {
      fetched = fetchRelease(release, what);
    });

    it.each(COMBINATIONS.map((one) => [combinationName(one), one] as const))(
      'agree: %s',
      (_name, combination) => {
        const results = checkProfile(profileTree({ ...combination, tree: fetched.tree }));
        const odd = results.filter(({ status }) => status !== 'match');
        // A package of headers has no .c files.
        expect(odd.filter(({ status }) => what === 'source' || status !== 'absent')).toEqual([]);
        expect(results.filter(({ status }) => status === 'match').length).toBeGreaterThan(80);
        expect(checkExitCode(results)).toBe(0);
      },
    );
  });

  it('say the same with a configuration as without one', () => {
    const { tree, build } = fetchRelease(release, 'headers');
    expect(build, 'a package with generated headers for this machine').toBeDefined();
    const combination = { arch: 'x86_64', pageSize: 4096, tree } as const;
    const configured = profileTree({ ...combination, ...(build !== undefined && { build }) });
    expect(configured.items).toEqual(profileTree(combination).items);
  });

  it('are what the profiles that come with khoforge say', () => {
    const { tree } = fetchRelease(release, 'headers');
    for (const combination of COMBINATIONS) {
      const known = knownProfile(release, combination.arch, combination.pageSize);
      const now = profileTree({ ...combination, tree });
      const facts = new Map(known?.items.map((item) => [item.name, item]));
      for (const item of now.items) expect(facts.get(item.name)).toEqual(item);
    }
  });
});

const KHO = 'include/linux/kho/abi/kexec_handover.h';
const METADATA = 'include/linux/kho/abi/kexec_metadata.h';
const LUO = 'include/linux/kho/abi/luo.h';
const MEMFD = 'include/linux/kho/abi/memfd.h';
const NEW_HEADER = 'include/linux/kho/abi/new.h';

interface Mutation {
  readonly name: string;
  readonly file: string;
  /** What is replaced; the whole file when it is empty. */
  readonly from: string | RegExp;
  readonly to: string;
  /** Items that `abi check` names, with what it says of them. */
  readonly check: Readonly<Record<string, string>>;
  /** Items that `abi diff` names as changed without a bump. */
  readonly unbumped: readonly string[];
  /** The version to bump, and to what. */
  readonly bump: readonly [file: string, from: string, to: string];
  readonly combination?: Combination;
}

const bumpKho = [KHO, '"kho-v4"', '"kho-v5"'] as const;
const bumpMetadata = [METADATA, 'KHO_KEXEC_METADATA_VERSION 1', 'KHO_KEXEC_METADATA_VERSION 2'] as const;
const bumpLuo = [LUO, '"luo-v5"', '"luo-v6"'] as const;
const bumpMemfd = [MEMFD, '"memfd-v2"', '"memfd-v3"'] as const;

const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a field added',
    file: KHO,
    from: 'unsigned short order;',
    to: 'unsigned short order; u64 owner;',
    check: { kho_vmalloc: 'mismatch', 'kho_vmalloc.owner': 'unknown' },
    unbumped: ['kho_vmalloc', 'kho_vmalloc.owner'],
    bump: bumpKho,
  },
  {
    name: 'a field moved',
    file: KHO,
    from: /unsigned short flags;\s*unsigned short order;/,
    to: 'unsigned short order; unsigned short flags;',
    check: { 'kho_vmalloc.flags': 'mismatch', 'kho_vmalloc.order': 'mismatch' },
    unbumped: ['kho_vmalloc.flags', 'kho_vmalloc.order'],
    bump: bumpKho,
  },
  {
    name: 'a field widened',
    file: KHO,
    from: 'unsigned short flags;',
    to: 'unsigned int flags;',
    check: { 'kho_vmalloc.flags': 'mismatch', 'kho_vmalloc.order': 'mismatch' },
    unbumped: ['kho_vmalloc.flags', 'kho_vmalloc.order'],
    bump: bumpKho,
  },
  {
    name: 'a field of a page-sized structure added, which its own static_assert refuses',
    file: KHO,
    from: 'struct kho_vmalloc_hdr hdr;',
    to: 'struct kho_vmalloc_hdr hdr; u64 spare;',
    check: { kho_vmalloc_chunk: 'mismatch', 'kho_vmalloc_chunk.spare': 'unknown', static_assert: 'mismatch' },
    unbumped: ['kho_vmalloc_chunk', 'kho_vmalloc_chunk.phys'],
    bump: bumpKho,
  },
  {
    name: 'bits moved between bit-fields',
    file: MEMFD,
    from: /u64 pfn:52;\s*u64 flags:12;/,
    to: 'u64 pfn:50; u64 flags:14;',
    check: { 'memfd_luo_folio_ser.pfn': 'mismatch', 'memfd_luo_folio_ser.flags': 'mismatch' },
    unbumped: ['memfd_luo_folio_ser.flags', 'memfd_luo_folio_ser.pfn'],
    bump: bumpMemfd,
  },
  {
    name: '__packed dropped',
    file: METADATA,
    from: '} __packed;',
    to: '};',
    check: { kho_kexec_metadata: 'mismatch', 'kho_kexec_metadata.kexec_count': 'mismatch' },
    unbumped: ['kho_kexec_metadata', 'kho_kexec_metadata.kexec_count'],
    bump: bumpMetadata,
  },
  {
    name: 'version removed from kho_kexec_metadata, as the patch was first posted',
    file: METADATA,
    from: 'u32 version;',
    to: '',
    check: { kho_kexec_metadata: 'mismatch', 'kho_kexec_metadata.version': 'absent' },
    unbumped: ['kho_kexec_metadata', 'kho_kexec_metadata.version'],
    bump: bumpMetadata,
  },
  {
    name: 'the string of a define changed',
    file: KHO,
    from: '"preserved-data"',
    to: '"preserved-blob"',
    check: { KHO_SUB_TREE_PROP_NAME: 'mismatch' },
    unbumped: ['KHO_SUB_TREE_PROP_NAME'],
    bump: bumpKho,
  },
  {
    name: 'an array of LUO made longer',
    file: LUO,
    from: /LIVEUPDATE_HNDL_COMPAT_LENGTH\s+48/,
    to: 'LIVEUPDATE_HNDL_COMPAT_LENGTH 64',
    check: {
      luo_file_ser: 'mismatch',
      'luo_file_ser.token': 'mismatch',
      LIVEUPDATE_HNDL_COMPAT_LENGTH: 'mismatch',
    },
    unbumped: ['luo_file_ser', 'luo_file_ser.token'],
    bump: bumpLuo,
  },
  {
    name: "the depth formula changed back to 7.0's",
    file: KHO,
    from: 'DIV_ROUND_UP(KHO_RADIX_KEY_WIDTH - KHO_BITMAP_SIZE_LOG2,',
    to: 'DIV_ROUND_UP(KHO_RADIX_KEY_WIDTH - 1 - KHO_BITMAP_SIZE_LOG2,',
    check: { KHO_TREE_MAX_DEPTH: 'mismatch' },
    unbumped: ['KHO_TREE_MAX_DEPTH'],
    bump: bumpKho,
    // With pages of 4 KiB both formulas give 6.
    combination: { arch: 'arm64', pageSize: 16384 },
  },
];

describe('a header that was changed', () => {
  let original: string;
  let tree: string;
  const folder = mkdtempSync(join(tmpdir(), 'khoforge-mutation-'));
  beforeAll(() => {
    original = fetchRelease('7.3', 'headers').tree;
    tree = join(folder, 'tree');
    cpSync(original, tree, { recursive: true, filter: (path) => !/\/(scripts|tools|drivers)$/.test(path) });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function edit(file: string, from: string | RegExp, to: string): void {
    const text = readFileSync(join(tree, file), 'utf8');
    const edited = text.replace(from, to);
    expect(edited, `${file} holds ${from}`).not.toBe(text);
    writeFileSync(join(tree, file), edited);
  }

  function restore(...files: string[]): void {
    for (const file of files) writeFileSync(join(tree, file), readFileSync(join(original, file)));
  }

  it.each(MUTATIONS.map((one) => [one.name, one] as const))('%s', (_name, mutation) => {
    const { arch, pageSize } = mutation.combination ?? { arch: 'x86_64', pageSize: 4096 };
    const profile = () => profileTree({ tree, arch, pageSize });
    const before = profile();
    try {
      edit(mutation.file, mutation.from, mutation.to);
      const after = profile();
      const results = checkProfile(after);
      const statuses = Object.fromEntries(results.map(({ item, status }) => [item, status]));
      expect(statuses).toMatchObject(mutation.check);
      expect(checkExitCode(results)).toBe(1);
      const errors = diffProfiles(before, after).filter(({ severity }) => severity === 'error');
      expect(errors.map(({ item }) => item)).toEqual(expect.arrayContaining([...mutation.unbumped]));

      edit(...mutation.bump);
      const bumped = diffProfiles(before, profile());
      expect(bumped.filter(({ severity }) => severity === 'error')).toEqual([]);
      for (const item of mutation.unbumped) {
        expect(bumped).toContainEqual(expect.objectContaining({ item, severity: 'bumped', bumped: true }));
      }
    } finally {
      restore(mutation.file, mutation.bump[0]);
    }
  });

  it('a field renamed: named, and no break', () => {
    const target = { tree, arch: 'x86_64', pageSize: 4096 } as const;
    const before = profileTree(target);
    try {
      edit(LUO, 'u64 token;', 'u64 cookie;');
      const after = profileTree(target);
      const results = checkProfile(after).filter(({ status }) => status !== 'match' && status !== 'absent');
      expect(results).toEqual([expect.objectContaining({ item: 'luo_file_ser.cookie', status: 'unknown' })]);
      const [change, ...more] = diffProfiles(before, after);
      expect(change).toMatchObject({
        item: 'luo_file_ser.cookie',
        change: 'renamed',
        severity: 'note',
        bumped: false,
      });
      expect(change?.why).toBe('was luo_file_ser.token');
      expect(more).toEqual([]);
    } finally {
      restore(LUO);
    }
  });

  it('a version bumped with nothing under it is a note', () => {
    const target = { tree, arch: 'x86_64', pageSize: 4096 } as const;
    const before = profileTree(target);
    try {
      edit(...bumpMemfd);
      const changes = diffProfiles(before, profileTree(target));
      expect(changes).toEqual([
        expect.objectContaining({ item: 'MEMFD_LUO_FH_COMPATIBLE', change: 'version', severity: 'note' }),
      ]);
    } finally {
      restore(MEMFD);
    }
  });

  it('a header added: all of it is unknown', () => {
    const text = '#define NEW_COMPATIBLE "new-v1"\nstruct new_ser { u64 a; u32 b; } __packed;\n';
    writeFileSync(join(tree, NEW_HEADER), text);
    try {
      const results = checkProfile(profileTree({ tree, arch: 'x86_64', pageSize: 4096 }));
      const unknown = results
        .filter(({ status }) => status === 'unknown')
        .map(({ item, actual }) => [item, actual]);
      expect(unknown).toEqual([
        ['NEW_COMPATIBLE', { value: 'new-v1' }],
        ['new_ser', { size: 12, align: 1 }],
        ['new_ser.a', { offset: 0, size: 8 }],
        ['new_ser.b', { offset: 8, size: 4 }],
      ]);
    } finally {
      rmSync(join(tree, NEW_HEADER));
    }
  });

  it('an item that does not compile costs only itself', () => {
    try {
      edit(KHO, '#define KHO_SUB_TREE_PROP_NAME', '#define KHO_BROKEN (1 +)\n#define KHO_SUB_TREE_PROP_NAME');
      const results = checkProfile(profileTree({ tree, arch: 'x86_64', pageSize: 4096 }));
      const odd = results.filter(({ status }) => status !== 'match' && status !== 'absent');
      expect(odd).toEqual([
        expect.objectContaining({ item: 'KHO_BROKEN', status: 'unknown', expected: null }),
      ]);
      expect(odd[0]?.actual).toMatch(/expected expression/);
    } finally {
      restore(KHO);
    }
  });

  it('a header that does not compile at all could not be checked', () => {
    try {
      edit(METADATA, 'struct kho_kexec_metadata {', '#error broken\nstruct kho_kexec_metadata {');
      const results = checkProfile(profileTree({ tree, arch: 'x86_64', pageSize: 4096 }));
      const odd = results.filter(({ status }) => status !== 'match' && status !== 'absent');
      expect(new Set(odd.map(({ status }) => status))).toEqual(new Set(['could-not-check']));
      expect(odd.map(({ item }) => item)).toContain('kho_kexec_metadata.version');
      expect(odd[0]?.actual).toMatch(/#error broken/);
      expect(checkExitCode(results)).toBe(3);
    } finally {
      restore(METADATA);
    }
  });

  it('lint finds what disagrees in it', () => {
    const profile = profileTree({ tree, arch: 'x86_64', pageSize: 4096 });
    const texts = lintTree(tree, profile).map(({ check, text }) => `${check}: ${text}`);
    expect(texts).toContain("stale-comment: says 'kho-v3', the define says 'kho-v4'");
    expect(texts).toContain('unasserted-page: struct kho_radix_leaf is a page, and no static_assert says so');
    expect(texts.join('\n')).not.toContain('kho_vmalloc_chunk');
  });
});

describe('kho-v1', () => {
  it('6.17 and 6.18 differ without a bump, as their own source says', () => {
    const [a, b] = ['6.17', '6.18'].map((release) => {
      const { tree } = fetchRelease(release, 'source');
      return profileTree({ tree, arch: 'x86_64', pageSize: 4096 });
    });
    if (a === undefined || b === undefined) throw new Error('no profiles');
    for (const profile of [a, b]) {
      expect(checkProfile(profile).filter(({ status }) => status !== 'match')).toEqual([]);
    }
    const errors = diffProfiles(a, b).filter(({ severity }) => severity === 'error');
    expect(errors.map(({ item }) => item)).toEqual([
      'PRESERVE_BITS',
      'kho_mem_phys_bits',
      'kho_mem_phys_bits.preserve',
      'kho_test:folios_info',
    ]);
  });
});
