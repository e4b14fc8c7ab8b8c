import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { diffProfiles } from '../../src/profile/diff.ts';
import { factsOf } from '../../src/profile/item.ts';
import { lintTree } from '../../src/profile/lint.ts';
import { parseSource, profilesOf } from '../../src/profile/source.ts';
import { profileTree } from '../../src/profile/tree.ts';
import { findCompiler } from '../../src/toolchain/compiler.ts';
import { FakeTree } from './fake-tree.ts';

const HEADER = 'include/linux/kho/abi/kexec_handover.h';
const MORE = 'include/linux/kho/abi/more.h';
const target = { arch: 'x86_64', pageSize: 4096 } as const;

let tree: FakeTree;
afterEach(() => tree.remove());

function profileOf(text: string, file = MORE) {
  tree = new FakeTree({ [file]: text });
  return profileTree({ ...target, tree: tree.folder });
}

function facts(text: string) {
  const { items } = profileOf(text);
  return Object.fromEntries(
    items.filter(({ header }) => header === MORE).map((item) => [item.name, factsOf(item)]),
  );
}

describe('profileTree', () => {
  it('tells what the compiler makes of a header', () => {
    const found = facts(`
      #define TEXT "a\\"b" "c"
      #define ALIAS TEXT
      #define SUM (1 + 2)
      #define HUGE 0xffffffffffffffffULL
      enum { FIRST = 7, SECOND };
      struct bits { u64 low:5; u64 high:59; u16 tail; } __packed;
      struct pair { u32 a; u64 b; };
      struct outer { u16 x; struct pair p; struct pair *q; u32 flex[]; };
    `);
    expect(found).toEqual({
      TEXT: { value: 'a"bc' },
      ALIAS: { value: 'a"bc' },
      SUM: { value: 3 },
      HUGE: { value: '0xffffffffffffffff' },
      FIRST: { value: 7 },
      SECOND: { value: 8 },
      bits: { size: 10, align: 1 },
      'bits.low': { bitOffset: 0, bitWidth: 5 },
      'bits.high': { bitOffset: 5, bitWidth: 59 },
      'bits.tail': { offset: 8, size: 2 },
      pair: { size: 16, align: 8 },
      'pair.a': { offset: 0, size: 4 },
      'pair.b': { offset: 8, size: 8 },
      outer: { size: 32, align: 8 },
      'outer.x': { offset: 0, size: 2 },
      'outer.p.a': { offset: 8, size: 4 },
      'outer.p.b': { offset: 16, size: 8 },
      'outer.q': { offset: 24, size: 8 },
    });
  });

  it('knows its release and its files', () => {
    const profile = profileOf('');
    expect(profile).toMatchObject({ release: '7.3', version: '7.3.9-test', obtained: 'shim', source: '' });
    expect(Object.keys(profile.headers)).toEqual([HEADER, MORE]);
  });

  it('isolates what does not compile, with the reason', () => {
    const { items, problems } = profileOf(
      '#define BAD (1 +)\n#define WORSE no_such_thing\nstruct fine { u32 a; };',
    );
    expect(items.map(({ name }) => name)).toContain('fine.a');
    expect(problems.map(({ name, reason }) => [name, reason])).toEqual([
      ['BAD', expect.stringMatching(/expected expression/)],
      ['WORSE', expect.stringMatching(/no_such_thing/)],
    ]);
  });

  it('measures a structure that its own static_assert refuses, and says so', () => {
    const { items, problems } = profileOf('struct s { u32 a; };\nstatic_assert(sizeof(struct s) == 8);\n');
    expect(items.find(({ name }) => name === 's')?.size).toBe(4);
    expect(problems).toMatchObject([
      { kind: 'assertion', header: MORE, reason: expect.stringContaining('sizeof(struct s) == 8') },
    ]);
  });

  it('says what this configuration does not define', () => {
    const { items, problems } = profileOf(
      '#ifdef CONFIG_NO\n#define OFF 1\n#endif\n#ifdef CONFIG_64BIT\n#define ON 1\n#endif',
    );
    expect(items).toContainEqual({ kind: 'macro', name: 'ON', header: MORE, value: 1 });
    expect(problems).toEqual([
      { kind: 'macro', name: 'OFF', header: MORE, reason: 'not defined in this configuration' },
    ]);
  });

  it('reports a member that it cannot read, and a header that does not exist', () => {
    expect(profileOf('struct s { u32 a; ODD(x, y) z; };').problems).toContainEqual(
      expect.objectContaining({ name: 's.?', reason: expect.stringContaining('ODD') }),
    );
    tree.remove();
    const { problems } = profileOf('#include <linux/none.h>\n#define A 1\n');
    expect(problems).toEqual([
      { kind: 'macro', name: 'A', header: MORE, reason: expect.stringMatching(/none\.h: No such file/) },
    ]);
  });

  it('refuses what is no kernel tree', () => {
    tree = new FakeTree();
    expect(() => profileTree({ ...target, tree: join(tree.folder, 'include') })).toThrow(
      expect.objectContaining({ code: 'NO_KERNEL_TREE' }),
    );
  });
});

describe('sources', () => {
  it('takes a git revision, and leaves the tree as it is', () => {
    tree = new FakeTree({ [MORE]: 'struct s { u32 a; };' });
    const commit = tree.commit();
    tree.write({ [MORE]: 'struct s { u64 a; };' });
    const [before] = profilesOf(parseSource('HEAD', tree.folder), [target]);
    const [after] = profilesOf(parseSource(tree.folder), [target]);
    if (before === undefined || after === undefined) throw new Error('no profile');
    expect(before.source).toBe(`commit ${commit}`);
    expect(diffProfiles(before, after).map(({ item }) => item)).toEqual(['s', 's.a']);
    expect(() => profilesOf(parseSource('v9', tree.folder), [target])).toThrow(/no git revision 'v9'/);
  });

  it('tells apart what a word names', () => {
    tree = new FakeTree();
    expect(parseSource('7.3')).toEqual({ kind: 'known', release: '7.3' });
    expect(parseSource(tree.folder)).toEqual({ kind: 'tree', tree: tree.folder });
    expect(parseSource(`${tree.folder}@v7.1`)).toEqual({
      kind: 'revision',
      tree: tree.folder,
      revision: 'v7.1',
    });
    expect(parseSource('package.json')).toEqual({ kind: 'file', path: 'package.json' });
    expect(() => parseSource('7.33')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("'7.3'") }),
    );
  });
});

describe('findCompiler', () => {
  it('does not take one for another architecture, or none', () => {
    tree = new FakeTree();
    const other = process.arch === 'x64' ? 'arm64' : 'x86_64';
    expect(() => findCompiler(other, 'gcc')).toThrow(expect.objectContaining({ code: 'COMPILER_ARCH' }));
    expect(() => findCompiler('x86_64', 'no-such-cc')).toThrow(
      expect.objectContaining({
        code: 'COMPILER_MISSING',
        exitCode: 3,
        hint: expect.stringContaining('apt-get'),
      }),
    );
  });
});

describe('lintTree', () => {
  it('finds comments that disagree with defines, and pages that nothing asserts', () => {
    const profile = profileOf(
      '/* bump LUO_OLD_COMPATIBLE */\nstruct p { u64 a[512]; };\nstatic_assert(sizeof(struct p) == PAGE_SIZE);',
    );
    tree.write({ 'Documentation/core-api/kho/x.rst': 'a\n"kho-v2" here\nkho-v4 is right\n' });
    expect(lintTree(tree.folder, profile)).toEqual([
      { check: 'stale-comment', file: HEADER, line: 5, text: "says 'kho-v3', the define says 'kho-v4'" },
      {
        check: 'unknown-macro',
        file: MORE,
        line: 1,
        text: 'names LUO_OLD_COMPATIBLE, which nothing defines',
      },
      {
        check: 'stale-documentation',
        file: 'Documentation/core-api/kho/x.rst',
        line: 2,
        text: "says 'kho-v2', the define says 'kho-v4'",
      },
      {
        check: 'unasserted-page',
        file: HEADER,
        line: 6,
        text: 'struct kho_radix_node is a page, and no static_assert says so',
      },
    ]);
  });
});
