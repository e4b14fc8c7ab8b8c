import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KhoforgeError } from '../../src/base/errors.ts';
import type { Base } from '../../src/fuzz/base.ts';
import { Draw } from '../../src/fuzz/draw.ts';
import { type Mutation, mutationText, subjectOf } from '../../src/fuzz/mutation.ts';
import type { BuiltImage } from '../../src/produce/assembly.ts';
import { buildLoaded } from '../../src/produce/build-image.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { specOfText } from '../../src/specfile/load.ts';
import { baseOf, PLAIN } from './bases.ts';

const every = (name: string) => readFileSync(`fixtures/every-user/${name}.yaml`, 'utf8');

/** One base for each form of the memory map, and of LUO. */
const BASES: [string, Base][] = (
  [
    ['7.3', 'from-7.2-on'],
    ['7.1', '7.1'],
    ['6.19', '6.19'],
    ['6.18', '6.18'],
  ] as const
).map(([release, name]) => [release, baseOf(every(name), release)]);

const drawn = (base: Base, run: number): Mutation[] => base.mutable.draw(new Draw('test', run));

/** Undefined where it is refused. */
function built(base: Base, mutations: readonly Mutation[]): { image: BuiltImage; text: string } | undefined {
  const document = base.document(mutations);
  try {
    return { image: base.build(document), text: document.toString({ lineWidth: 0 }) };
  } catch (error) {
    if (error instanceof KhoforgeError) return undefined;
    throw error;
  }
}

const bytesOf = ({ memory, bootRecord }: BuiltImage) => ({
  bootRecord,
  extents: memory.extents.map(({ start, bytes }) => [start, Buffer.from(bytes).toString('base64')]),
});

describe('mutations', () => {
  it.each(BASES)('of %s follow from the seed and the number of the run', (release, base) => {
    const again = baseOf(base.document([]).toString(), release);
    const texts = (one: Base) => Array.from({ length: 40 }, (_, run) => drawn(one, run).map(mutationText));
    expect(texts(again)).toEqual(texts(base));
    expect(new Set(texts(base).map(String)).size).toBeGreaterThan(35);
  });

  it.each(BASES)('of %s are one to three, each about another thing', (_release, base) => {
    const counts = Array.from({ length: 60 }, (_, run) => {
      const mutations = drawn(base, run);
      expect(new Set(mutations.map(subjectOf)).size).toBe(mutations.length);
      return mutations.length;
    });
    expect(new Set(counts)).toEqual(new Set([1, 2, 3]));
  });

  it.each(BASES)('of %s make specs of which few are refused, and none by a bug', (release, base) => {
    const images = Array.from({ length: 30 }, (_, run) => built(base, drawn(base, run))?.image);
    const wrong = images.filter((image) => image !== undefined);
    expect(wrong.length).toBeGreaterThan(22);
    const verdicts = new Set(wrong.map((image) => verifyImage(image, { receiver: release }).verdict));
    expect([...verdicts]).toEqual(expect.arrayContaining(['revived', 'broken']));
  });

  it.each(BASES)('of %s, written as a spec, make the same image wherever it is read', (_release, base) => {
    for (let run = 0; run < 8; run++) {
      const made = built(base, drawn(base, run));
      if (!made) continue;
      const image = buildLoaded(specOfText(made.text, '/elsewhere.yaml'), {});
      expect(bytesOf(image)).toEqual(bytesOf(made.image));
    }
  });

  it('are of every kind, and of every field and structure of a base', () => {
    const base = baseOf(every('from-7.2-on'));
    const all = Array.from({ length: 3000 }, (_, run) => drawn(base, run)).flat();
    const kinds = new Set(all.map(({ kind }) => kind));
    expect(kinds.size).toBe(9);
    const form = (path: string) => path.replace(/\[\d+\]/g, '[]');
    const seen = new Set(all.flatMap((one) => (one.kind === 'override' ? [form(one.path)] : [])));
    const image = base.build(base.document([]));
    expect([...new Set(image.paths.map(form))].filter((path) => !seen.has(path))).toEqual([]);
    const placed = new Set(all.flatMap((one) => (one.kind === 'place' ? [form(one.path)] : [])));
    expect(image.placements.map(({ path }) => form(path)).filter((path) => !placed.has(path))).toEqual([]);
  });

  it('leave all else of a spec as people wrote it', () => {
    const base = baseOf(`${PLAIN}override: { root-fdt/compatible: kho-v9 }\nexpect: { verdict: rejected }\n`);
    const document = base.document([
      { kind: 'override', path: 'kho_data/fdt_size', value: 16n },
      { kind: 'override', path: 'root-fdt/kho_test', value: null },
      { kind: 'place', path: 'kexec-metadata', at: 0x1b00_0000n },
      { kind: 'patch', at: 0x20_0010n, bytes: Uint8Array.of(0xde, 0xad) },
      { kind: 'last', subtree: 0, name: 'kexec-metadata' },
    ]);
    base.build(document);
    expect(document.toString({ lineWidth: 0 })).toBe(`subtrees:
  - kho_test: { seed: 1, max_mem: 16KiB }
  - kexec-metadata: { previous_release: 6.19.0-rc4-next-20260107, kexec_count: 41 }
override: { root-fdt/compatible: kho-v9, kho_data/fdt_size: 0x10, root-fdt/kho_test: null }
target:
  release: "7.3"
place:
  kexec-metadata: 0x1b000000
patch:
  - addr: 0x200010
    bytes: de ad
allow: [ scratch-overlap ]
`);
  });

  it('take the files of a spec along', () => {
    const base = baseOf('subtrees: [{ raw: { name: a, content: { file: b.bin } } }]\n');
    expect(base.document([]).toString()).toContain('file: /specs/b.bin');
  });

  it('have of a spec that is no case what its users need asked for', () => {
    const base = baseOf(`subtrees:
  - luo: { sessions: [{ name: a b, files: [{ token: 0x2a, memfd: { content: { text: x } } }] }, { name: c }] }
  - reserve_mem: [{ name: trace, size: 64KiB, align: 8KiB }]
`);
    expect(base.setting).toEqual({
      cmdline: 'liveupdate=on reserve_mem=65536:8192:trace',
      user: ['luo a\\x20b 0x2a', 'luo c'],
    });
  });
});
