import { describe, expect, it } from 'vitest';
import { extractHandover } from '../../src/capture/extract.ts';
import { readImageDirectory, writeImageDirectory } from '../../src/formats/directory.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { diffImages } from '../../src/receive/diff.ts';
import { specDifferences, specOf, specYaml } from '../../src/respec/as-spec.ts';
import { loadSpec } from '../../src/specfile/load.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { filesFolder } from '../formats/core-writer.ts';
import { allBytes } from '../memory/all-bytes.ts';

const file = filesFolder();
const NO_DIFFERENCE = { values: [], added: [], removed: [] };
const SECRET = Buffer.from('what the user had in memory');

const good: Spec = {
  target: { release: '7.3' },
  ram: '96MiB',
  scratch: [
    { size: '8MiB', addr: '0x5000000' },
    { size: 0, addr: '0x5c00000' },
    { size: '4MiB', addr: '0x4c00000' },
  ],
  subtrees: [
    { 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 3 } },
    { kho_test: { seed: 5, orders: [3, 0, 1, 5] } },
    { raw: { name: 'mine', content: { text: 'a blob' }, order: 2 } },
  ],
  preserve: [
    { name: 'user', order: 1, count: 3, content: { bytes: SECRET } },
    { name: 'range', size: '12300KiB', addr: '0x3001000' },
  ],
};

/** A machine's memory: the handover, and other pages around it. */
function machine(spec: Spec): Image {
  const image = buildImage(spec);
  const memory = new PhysicalMemory();
  for (const { start, bytes } of allBytes(image.memory)) memory.write(start, bytes);
  for (let at = 0x400_0000n; at < 0x404_0000n; at += 4096n) {
    if (!memory.covers(at, 1)) memory.write(at, new Uint8Array(4096).fill(0x77));
  }
  return { ...image, memory };
}

const RELEASES = ['7.3', '7.2', '7.1', '7.0', '6.19', '6.18', '6.17'];

/** What a release has not. */
function specFor(release: string): Spec {
  const old = /^(6|7\.0)/.test(release);
  const subtrees = (good.subtrees ?? []).filter((entry) => !old || !('kexec-metadata' in entry));
  // Blobs have their length from 7.1 on; before, an FDT tells its own.
  const sized = subtrees.filter((entry) => !old || !('raw' in entry));
  return { ...good, target: { release }, subtrees: sized };
}

describe('inspect --as-spec', () => {
  it.each(RELEASES)('of %s gives a spec that builds the same root FDT and preserved memory', (release) => {
    const image = machine(specFor(release));
    const spec = specOf(image, inspect(image));
    expect(specDifferences(spec, image, inspect(image))).toEqual([]);
  });

  it('is a file that build takes', () => {
    const image = machine(good);
    const spec = specOf(image, inspect(image));
    const { spec: loaded } = loadSpec(file('spec.yaml', Buffer.from(specYaml(spec, 'a dump'))));
    const built = buildImage(loaded);
    expect(diffImages(image, built).values.map(({ path }) => path)).toEqual(['kho_test/csum']);
    expect(diffImages(image, built)).toMatchObject({ added: [], removed: [] });
  });

  it('keeps what is preserved and what is not, where that is wrong', () => {
    const image = machine({ ...good, unpreserve: ['root-fdt', 'mine', 'kho_test/folios[1]'] });
    const spec = specOf(image, inspect(image));
    expect(spec.unpreserve).toEqual(['mine', 'root-fdt']);
    expect(specDifferences(spec, image, inspect(image))).toEqual([]);
  });

  it('allows the checks that the handover breaks, by name', () => {
    const image = machine({
      ...good,
      allow: ['folio-order'],
      preserve: [{ name: 'large', order: 12, addr: '0x1000000' }],
    });
    const spec = specOf(image, inspect(image));
    expect(spec.allow).toEqual(['folio-order']);
    expect(specDifferences(spec, image, inspect(image))).toEqual([]);
  });

  it('tells when the root FDT is none that a kernel writes', () => {
    const image = machine({ ...good, override: { 'root-fdt/compatible': 'kho-v5' } });
    expect(specDifferences(specOf(image, inspect(image)), image, inspect(image))[0]).toContain(
      'root FDT differs',
    );
  });

  it('of a handover that was not finalized is one as well', () => {
    const image = machine({ ...good, finalized: false });
    expect(specDifferences(specOf(image, inspect(image)), image, inspect(image))).toEqual([]);
  });
});

describe('capture', () => {
  const image = machine(good);
  const bytesOf = ({ memory }: Image) => Buffer.concat(allBytes(memory).map(({ bytes }) => bytes));

  it('takes the handover and no user data', () => {
    const captured = extractHandover(image);
    expect(bytesOf(captured).includes(SECRET)).toBe(false);
    expect(bytesOf(captured).includes(Buffer.alloc(64, 0x77))).toBe(false);
    const { values, added, removed } = diffImages(image, captured);
    expect(values).toEqual([{ path: 'kho_test/contents', a: 'match the checksum', b: 'not in the image' }]);
    expect([...added, ...removed]).toEqual([]);
    expect(inspect(captured).problems).toEqual([]);
  });

  it('takes what preserved folios hold when asked, and nothing else', () => {
    const captured = extractHandover(image, { withContents: true });
    expect(bytesOf(captured).includes(SECRET)).toBe(true);
    expect(diffImages(image, captured)).toEqual(NO_DIFFERENCE);
    const outside = captured.memory.read(0x401_0000n, 64);
    expect(Buffer.from(outside)).toEqual(Buffer.alloc(64));
  });

  it('is an image directory that reads back the same', () => {
    const captured = extractHandover(image);
    const path = file('anchor', new Uint8Array()).replace(/anchor$/, 'capture');
    writeImageDirectory(captured, path);
    expect(diffImages(captured, readImageDirectory(path))).toEqual(NO_DIFFERENCE);
  });

  it('keeps a leaf of the memory map in which every bit was cleared', () => {
    const built = machine({ ...good, preserve: [{ name: 'far', order: 0, addr: '0x5900000' }] });
    // A kernel that no longer preserves a block clears its bit and frees no page (1.6.28 of docs/kho-facts.md). Pages of a
    // map in a row are in pre-order: the last one is a leaf.
    const map = built.placements.find(({ path }) => path === 'memory-map');
    const memory = new PhysicalMemory();
    for (const { start, bytes } of allBytes(built.memory)) memory.write(start, bytes);
    memory.write((map?.start ?? 0n) + (map?.size ?? 0n) - 4096n, new Uint8Array(4096));
    const emptied = { ...built, memory };
    const path = file('anchor', new Uint8Array()).replace(/anchor$/, 'emptied');
    writeImageDirectory(extractHandover(emptied), path);
    const walk = inspect(readImageDirectory(path)).walk;
    expect(walk?.findings).toEqual([]);
    expect(walk?.leaves).toBe(inspect(built).walk?.leaves);
  });
});

describe('diff', () => {
  const image = buildImage(good);

  it('finds nothing between equals', () => {
    expect(diffImages(image, buildImage(good))).toEqual(NO_DIFFERENCE);
  });

  it('tells fields by their path', () => {
    const other = buildImage({
      ...good,
      subtrees: [
        { 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 4 } },
        ...(good.subtrees ?? []).slice(1),
      ],
    });
    expect(diffImages(image, other).values).toEqual([{ path: 'kexec-metadata/kexec_count', a: 3, b: 4 }]);
  });

  it('tells preserved memory by order: a block of another order is another block', () => {
    const preserve = (order: number, count: number) => [{ name: 'user', order, count, addr: '0x3000000' }];
    const a = buildImage({ ...good, preserve: preserve(1, 4) });
    const b = buildImage({ ...good, preserve: preserve(2, 2) });
    const c = buildImage({ ...good, preserve: preserve(1, 3) });
    const run = (order: number, start: bigint, end: bigint) => ({ order, start, end });
    expect(diffImages(a, b)).toMatchObject({
      added: [run(2, 0x300_0000n, 0x300_8000n)],
      removed: [run(1, 0x300_0000n, 0x300_8000n)],
    });
    expect(diffImages(a, c)).toMatchObject({ added: [], removed: [run(1, 0x300_6000n, 0x300_8000n)] });
  });

  it('tells a subtree that only one has, and a blob that nobody decodes by its bytes', () => {
    const raw = (text: string) => ({ raw: { name: 'mine', content: { text }, order: 2 } });
    const without = { ...good, subtrees: (good.subtrees ?? []).slice(0, 2) };
    const paths = (other: Spec) => diffImages(image, buildImage(other)).values.map(({ path }) => path);
    expect(paths(without)).toContain('mine');
    expect(paths({ ...good, subtrees: [...without.subtrees, raw('A blob')] })).toEqual(['mine/bytes']);
  });
});
