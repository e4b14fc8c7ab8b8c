import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildLoaded } from '../../src/produce/build-image.ts';
import { loadSpec } from '../../src/specfile/load.ts';
import { errorOf } from '../thrown.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-spec-errors-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = join(folder, 'spec.yaml');
function build(text: string | Uint8Array) {
  writeFileSync(file, text);
  return buildLoaded(loadSpec(file), {});
}

/** `line: part of the spec: …` that begins each line of an error. */
const CASES: readonly (readonly [what: string, text: string, expected: RegExp])[] = [
  ['a release', 'ram: 64MiB\ntarget:\n  release: "7.4"\n', /^3: target.release: unknown release '7.4'/],
  ['a generation', 'target:\n  generation: kho-v5\n', /^2: target.generation: unknown generation 'kho-v5'/],
  ['RAM beyond all addresses', '\nram: 0xffffffffffffffff\n', /^2: ram: .*: expected 32 MiB to 4096 TiB$/],
  [
    'RAM twice',
    'ram:\n  - { start: 0, size: 1GiB }\n  - { start: 512MiB, size: 1GiB }\n',
    /^3: ram\[1\]: 0x20000000-0x60000000 overlaps range 0, 0x0-0x40000000$/,
  ],
  ['RAM of no bytes', 'ram:\n  - { start: 0, size: 0 }\n', /^2: ram\[0\]: a range of no bytes$/],
  ['nodes of odd sizes', 'ram: 512MiB\nnodes:\n  - 511KiB\n', /^\d: nodes: 511 KiB is not made of MiB$/],
  [
    'scratch without room',
    'ram: 64MiB\nscratch:\n  - size: 1GiB\n',
    /^3: (scratch\[0\].size: )?no room for scratch\[0\] of 1 GiB$/,
  ],
  [
    'a folio at an odd place',
    'subtrees:\n  - raw: { name: drv, content: { text: x } }\nplace:\n  drv: 0x8000123\n',
    /^4: place.drv: 0x8000123 is not aligned to 4 KiB/,
  ],
  [
    'preserved folios at an odd place',
    'preserve:\n  - { name: a, order: 9, addr: 0x8001000 }\n',
    /^2: preserve\[0\].addr: 0x8001000 is not aligned to 2 MiB/,
  ],
  ['a place in scratch', 'place:\n  root-fdt: 0x1f800000\n', /^2: place.root-fdt: scratch-overlap: /],
  [
    'a place for nothing',
    'place:\n  root-fdt: 0x8000000\n  nothing: 0x9000000\n',
    /^3: place.nothing: place: nothing is emitted at 'nothing'$/,
  ],
  [
    'two of one name at one place',
    'subtrees:\n  - raw: { name: a, content: { text: a } }\n  - raw: { name: a, content: { text: b } }\nallow: [fdt-duplicate-node]\nplace: { a: 0x8000000 }\n',
    /^5: place.a: two structures are called 'a'/,
  ],
  [
    'preserved memory of no bytes',
    'preserve:\n  - { name: a, size: 0 }\n',
    /^2: preserve\[0\].size: 0: expected a size above 0$/,
  ],
  [
    'preserved memory of one name',
    'preserve:\n  - { name: a, order: 0 }\n  - { name: a, order: 0 }\n',
    /^2: preserve: a list of 2: expected a name of its own for each$/,
  ],
  [
    'preserved memory without a name',
    'preserve: [{ name: "", order: 0 }]\n',
    /^1: preserve\[0\].name: "": expected a name of its own/,
  ],
  [
    'preserved memory with a path',
    'preserve: [{ name: a/b, order: 0 }]\n',
    /^1: preserve\[0\].name: "a\/b": expected a name of its own/,
  ],
  [
    'preserved memory called as a folio',
    'preserve: [{ name: "a[0]", order: 0 }]\n',
    /^1: preserve\[0\].name: "a\[0\]": expected a name of its own/,
  ],
  [
    'too much preserved',
    'preserve:\n  - { name: a, order: 0 }\n  - { name: b, size: 1GiB }\n',
    /^3: preserve\[1\]: no room for preserve\/b/,
  ],
  [
    'a subtree that the FDT refuses',
    'subtrees:\n  - raw: { name: a, content: { text: x } }\n  - raw: { name: a b, content: { text: x } }\n',
    /^3: subtrees\[1\].raw: node name 'a b' is not valid/,
  ],
  [
    'a subtree that does not fit',
    'subtrees:\n  - reserve_mem:\n    - { name: a, size: 4KiB, content: { text: xyz, bytes: "00" } }\n',
    /^3: subtrees\[0\].reserve_mem\[0\].content: { text, bytes }: expected one of/,
  ],
  [
    'an override of nothing',
    'override:\n  root-fdt/compatible: x\n  root-fdt/compatibel: x\n',
    /^3: override.root-fdt\/compatibel: nothing is emitted at/,
  ],
  [
    'an override of a fraction',
    'override:\n  root-fdt/compatible: 1.5\n',
    /^2: override.root-fdt\/compatible: 1.5: expected a whole number/,
  ],
  [
    'an override that is no value',
    'override:\n  root-fdt/compatible: true\n',
    /^2: override.root-fdt\/compatible: true: expected a whole number/,
  ],
  [
    'an override below a header field',
    'override:\n  root-fdt/header/totalsize: -1\n',
    /^2: override.root-fdt\/header\/totalsize: .*-1: expected a number from 0 to 2\^32 - 1$/,
  ],
  [
    'an override above a header field',
    'override:\n  root-fdt/header/totalsize: 0x100000000\n',
    /^2: .*cannot be 4294967296: expected a number from 0 to 2\^32 - 1$/,
  ],
  [
    'an override above a field',
    'override:\n  kho_data/fdt_size: 0x10000000000000000\n',
    /^2: override.kho_data\/fdt_size: /,
  ],
  [
    'an omitted page of nothing',
    'omit:\n  - 0x7000000\n',
    /^2: omit\[0\]: 0x7000000 is a page that nothing is in$/,
  ],
  [
    'an omitted page that is none',
    'omit:\n  - 0x200001\n',
    /^2: omit\[0\]: 0x200001 is not the start of a page of 4 KiB$/,
  ],
  [
    'a patch outside RAM',
    'patch:\n  - { addr: 0x900000000, bytes: "00" }\n',
    /^2: patch\[0\].addr: outside-ram: patch at 0x900000000/,
  ],
  [
    'vmalloc beyond RAM',
    'subtrees:\n  - vmalloc: { name: t, order: 30, content: { text: a } }\n',
    /^2: subtrees\[0\].vmalloc: no room for t\/pages\[0\]/,
  ],
  [
    'test data beyond RAM',
    'subtrees:\n  - kho_test: { max_mem: 0xffffffffffffffff }\n',
    /^2: subtrees\[0\].kho_test: max_mem is .*, RAM is \d+ KiB$/,
  ],
  [
    'test data of no bytes',
    'subtrees:\n  - kho_test: { max_mem: 0 }\n',
    /^2: subtrees\[0\].kho_test.max_mem: 0: expected a size above 0/,
  ],
  [
    'a file that is not there',
    'subtrees:\n  - raw: { name: a, content: { file: nowhere } }\n',
    /^2: subtrees\[0\].raw: cannot read .*nowhere: ENOENT/,
  ],
  [
    'a folio that ends at 2^64',
    'preserve:\n  - { name: a, order: 0, addr: 0xfffffffffffff000 }\n',
    /^2: preserve\[0\].addr: preserve\/a, 4 KiB at 0xf{13}000, ends at 0x10{16}: above 0xf{13}000$/,
  ],
  [
    'a range that ends above 2^64',
    'preserve:\n  - { name: a, size: 8KiB, addr: 0xfffffffffffff000 }\nallow: [outside-ram]\n',
    /^2: preserve\[0\].addr: preserve\/a, 8 KiB at .*, ends at 0x10{12}1000: above 0xf{13}000$/,
  ],
  [
    'folios in a row across 2^64',
    'preserve:\n  - { name: a, order: 0, count: 3, addr: 0xffffffffffffe000 }\n',
    /^2: preserve\[0\].addr: preserve\/a, 12 KiB at .*: above /,
  ],
  [
    'a structure that ends at 2^64',
    'place:\n  memory-map: 0xfffffffffffff000\nallow: [outside-ram]\n',
    /^2: place.memory-map: memory-map, 24 KiB at .*: above /,
  ],
  [
    'a structure that does not begin at a page',
    'place:\n  memory-map: 0x1000001\n',
    /^2: place.memory-map: 0x1000001 is not aligned to 4 KiB/,
  ],
  [
    'a range that does not begin at a page',
    'preserve:\n  - { name: a, size: 4KiB, addr: 0x8000001 }\n',
    /^2: preserve\[0\].addr: 0x8000001 is not aligned to 4 KiB/,
  ],
  [
    'a patch across 2^64',
    'patch:\n  - { addr: 0xffffffffffffffff, bytes: "01 02" }\nallow: [outside-ram]\n',
    /^2: patch\[0\].addr: 2 bytes at 0xf{16} end at 0x10{15}1: above 2\^64$/,
  ],
  [
    'page frames outside RAM',
    'preserve:\n  - { name: a, order: 0, pfns: 0x900000 }\n',
    /^2: preserve\[0\]: outside-ram: preserve\/a at 0x900000000-0x900001000 is not in RAM$/,
  ],
  [
    'the last page frame',
    'preserve:\n  - { name: a, order: 0, pfns: 0xfffffffffffff }\nallow: [outside-ram]\n',
    /^2: preserve\[0\].pfns: page frame 0xf{13} is above 0xf{12}e, /,
  ],
  [
    'page frames beyond those of larger pages',
    'target: { arch: arm64, page_size: 64KiB }\npreserve:\n  - { name: a, order: 0, pfns: "0x1000000000000" }\n',
    /^3: preserve\[0\].pfns: page frame 0x10{12} is above 0xf{11}e, /,
  ],
  [
    'page frames beyond all',
    'preserve:\n  - { name: a, order: 0, pfns: 0x10000000000000 }\n',
    /^2: preserve\[0\].pfns: .*; '4503599627370496' is above 0xf{13}, the last of any address$/,
  ],
  [
    'page frames that do not ascend',
    'preserve:\n  - { name: a, order: 0, pfns: "0x9001 0x9000" }\n',
    /^2: preserve\[0\].pfns: .*; '0x9000' is not behind '0x9001'$/,
  ],
  [
    'page frames that make no folio',
    'preserve:\n  - { name: a, order: 9, pfns: 0x9001 }\n',
    /^2: preserve\[0\]: preserve\/a: 0x9001000-0x9002000 is not made of folios of order 9$/,
  ],
  [
    'scratch of no bytes',
    'ram: 512MiB\nscratch: [{ size: 0 }]\n',
    /^2: scratch: scratch-array-unplaced: an array for 1 takes 16 B .* the largest has 0 B$/,
  ],
  ['RAM without room for anything', 'ram: [{ start: 0, size: 4KiB }]\n', /^(1: )?scratch\[0\].size: no room/],
  ['a size that is no number', 'ram: .nan\n', /^1: ram: .nan: expected a size such as 512MiB/],
  ['a size without end', 'nodes: [-.inf]\n', /^1: nodes\[0\]: -.inf: expected a size such as 64MiB/],
  [
    'a size too large for a double',
    'place: { root-fdt: 1e400 }\n',
    /^1: place.root-fdt: .inf: expected a size/,
  ],
  ['a size that is nothing', 'omit: [~]\n', /^1: omit\[0\]: null: expected the path of a structure, or/],
  [
    'sizes in a list that are none',
    'ram:\n  - { start: .nan, size: ~ }\n',
    /^2: ram\[0\].start: .nan: expected a size such as 64MiB/,
  ],
  [
    'keys and values for a key',
    'ram: 64MiB\n? { a: 1 }\n: 2\n',
    /^2: a list or keys and values for a key: expected text/,
  ],
  ['a list for a key', 'place:\n  [1]: 2\n', /^2: a list or keys and values for a key: expected text/],
  ['a number for a key', 'place:\n  7.10: 2\n', /^2: 7.10 for a key: expected text \(write it in quotes\)$/],
  ['nothing for a key', 'ram: 64MiB\nnull: 1\n', /^2: null for a key: expected text/],
  ['an alias for a key', 'ram: &a 64MiB\n*a : 1\n', /^2: \*a for a key: expected text/],
  ['a set', '!!set { ram }\n', /^1: not YAML: Unresolved tag: !!set$/],
  [
    'a file with a NUL in its name',
    'preserve:\n  - { name: a, order: 0, content: { file: "a\\0b" } }\n',
    /^2: preserve\[0\]: cannot read .*a\\x00b: no file has a NUL in its name$/,
  ],
  ['an alias of itself', 'subtrees: &a [ *a ]\n', /^1: subtrees\[0\]: an alias that holds itself$/],
  ['an alias of nothing', 'ram: 64MiB\nscratch: *a\n', /^2: not YAML: /],
  ['deep nesting', `ram: ${'['.repeat(20_000)}\n`, /^(1: )?nested too deeply for a spec$/],
  ['two documents', 'ram: 64MiB\n---\nram: 1GiB\n', /^2: not YAML: a spec is one document$/],
  ['a tag that is not known', 'ram: !foo 64MiB\n', /^1: not YAML: Unresolved tag: !foo$/],
  ['nothing', '', /^expected keys and values, as in 'ram: 512MiB'; the least spec is \{\}$/],
  ['an empty list', 'ram: []\n', /^1: ram: a list of 0: expected at least 1 of them$/],
  ['no list', 'subtrees: a\n', /^1: subtrees: "a": expected a list$/],
];

describe('an error of a spec', () => {
  it.each(CASES)('names file, line and part: %s', (_what, text, expected) => {
    const error = errorOf(() => build(text));
    const lines = error.message.split('\n');
    for (const line of lines) expect(line.startsWith(`${file}:`), line).toBe(true);
    expect(lines[0]?.slice(file.length + 1).trimStart()).toMatch(expected);
    expect(error.where.file).toBe(file);
    expect([2]).toContain(error.exitCode);
  });

  it('of a place names the nearest that there is', () => {
    const hintOf = (text: string) => errorOf(() => build(text)).hint;
    expect(hintOf('place: { root-fdt: 0xfffffffffffff000 }')).toBe(
      'the last address with room for it: 0xffffffffffffe000',
    );
    expect(hintOf('place: { root-fdt: 0x1001 }')).toBe('the page that it is in: 0x1000');
  });

  it('of a long text shows its beginning, and what was expected', () => {
    const { message } = errorOf(() => build(`ram: ${'1'.repeat(100_000)}x\n`));
    expect(message).toMatch(/1" and \d+ characters more: expected a size such as 512MiB/);
  });

  it('of a release or generation that is not known names the newest, and the way to one that is not released', () => {
    for (const target of ['release: "7.4"', 'generation: kho-v5'])
      expect(errorOf(() => build(`target: { ${target} }`)).hint).toMatch(
        /^the newest that is known is (7\.3|kho-v4); .*--target-tree DIR$/,
      );
  });

  it('names the line of bytes that are not UTF-8', () => {
    const text = Buffer.from(
      'ram: 64MiB\nsubtrees: [{ raw: { name: a, content: { text: "caf\xe9" } } }]\n',
      'latin1',
    );
    expect(errorOf(() => build(text)).message).toBe(`${file}:2: not UTF-8 text`);
  });

  it('refuses text that no bytes stand for', () => {
    expect(
      errorOf(() => build('subtrees: [{ raw: { name: a, content: { text: "\\ud800" } } }]')).message,
    ).toMatch(/:1: subtrees\[0\]\.raw\.content\.text: .*half a surrogate pair$/);
  });

  it('lists no more than 20, with the way out of each', () => {
    const text = `subtrees:\n${'  - raw: { nam: a }\n'.repeat(5000)}`;
    const { message, hint } = errorOf(() => build(text));
    expect(message.split('\n')).toHaveLength(21);
    expect(message).toMatch(/and \d+ more$/);
    const two = errorOf(() => build('rum: 64MiB\nsubtree: []\n'));
    expect(`${two.message}\n${two.hint}`).toMatch(
      /rum: no such key\n.*subtree: no such key; did you mean 'subtrees'\?/,
    );
    expect(two.hint).toMatch(/did you mean 'ram'\?/);
    expect(hint).toBe("did you mean 'name'?");
  });
});
