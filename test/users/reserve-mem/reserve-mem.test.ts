import { describe, expect, it } from 'vitest';
import { extractHandover } from '../../../src/capture/extract.ts';
import { buildImage } from '../../../src/produce/build-image.ts';
import { inspect } from '../../../src/receive/decode.ts';
import { specDifferences, specOf } from '../../../src/respec/as-spec.ts';
import type { Spec } from '../../../src/specfile/schema.ts';
import { allBytes } from '../../memory/all-bytes.ts';

const spec: Spec = {
  target: { release: '7.3' },
  subtrees: [
    {
      reserve_mem: [
        { name: 'oops', size: '1MiB', content: { text: 'panic' } },
        { name: 'odd', size: '12300KiB', align: '4K' },
        { name: 'tail', size: 0x1800, align: '64KiB' },
      ],
    },
  ],
  place: { 'memblock/odd': 0x800_1000n },
};

function memblockOf(image: ReturnType<typeof buildImage>) {
  const found = inspect(image).subtrees.find(({ name }) => name === 'memblock');
  if (!found?.decoded) throw new Error('no memblock subtree');
  return { ...found, decoded: found.decoded };
}

describe('reserve_mem', () => {
  const image = buildImage(spec);

  it('takes the bytes that the kernel writes (1.11.2 of docs/kho-facts.md: the sizes of its calls)', () => {
    const aligned = (name: string) => Math.ceil((name.length + 1) / 4) * 4;
    const nodes = ['oops', 'odd', 'tail'].reduce((sum, name) => sum + 76 + aligned(name), 0);
    expect(memblockOf(image).size).toBe(BigInt(64 + 40 + nodes + 22));
  });

  it('reads its regions back', () => {
    const { decoded } = memblockOf(image);
    expect(decoded.problems).toEqual([]);
    expect(decoded.fields.regions).toMatchObject([
      { name: 'oops', size: 1n << 20n },
      { name: 'odd', start: 0x800_1000n, size: 12300n << 10n },
      { name: 'tail', size: 0x1800n },
    ]);
  });

  it('preserves whole pages of each, and holds its content', () => {
    const ranges = inspect(image).walk?.ranges ?? new BigUint64Array();
    const at = ranges.indexOf(0x800_1000n);
    expect(ranges[at + 1]).toBe(0x800_1000n + (12300n << 10n));
    const [oops, , tail] = image.placements.filter(({ path }) => path.startsWith('memblock/'));
    expect(Buffer.from(image.memory.read(oops?.start ?? 0n, 5)).toString()).toBe('panic');
    // 0x1800 bytes: one whole page; the rest of the next is lost, as with the kernel.
    expect((tail?.start ?? 1n) % 0x10000n).toBe(0n);
    expect(ranges).toContain((tail?.start ?? 0n) + 0x1000n);
  });

  it.each(['6.17', '6.18', '6.19', '7.1', '7.2', '7.3'])(
    'of %s makes a spec that builds the same',
    (release) => {
      const built = buildImage({ ...spec, target: { release } });
      const again = specOf(built, inspect(built));
      expect(again.subtrees).toEqual([
        {
          reserve_mem: [
            { name: 'oops', size: 0x100000n },
            { name: 'odd', size: 0xc03000n },
            { name: 'tail', size: 0x1800n },
          ],
        },
      ]);
      expect(specDifferences(again, built, inspect(built))).toEqual([]);
    },
  );

  it('is told from its bytes where it is damaged', () => {
    const damaged = buildImage({ ...spec, override: { 'memblock/odd/size': { bytes: '01 02' } } });
    expect(memblockOf(damaged).decoded.problems).toEqual(["region 'odd': size is missing or not 8 bytes"]);
    const again = specOf(damaged, inspect(damaged));
    expect(again.subtrees).toMatchObject([{ raw: { name: 'memblock' } }]);
    expect(specDifferences(again, damaged, inspect(damaged))).toEqual([]);
  });

  it('leaves what the regions hold out of a capture', () => {
    const captured = extractHandover(image);
    const bytes = Buffer.concat(allBytes(captured.memory).map((extent) => extent.bytes));
    expect(bytes.includes('panic')).toBe(false);
    expect(memblockOf({ ...image, memory: captured.memory }).decoded.fields).toEqual(
      memblockOf(image).decoded.fields,
    );
  });

  it.each<[string, NonNullable<Spec['subtrees']>[number], string]>([
    [
      'a label of 16 characters',
      { reserve_mem: [{ name: 'abcdefghijklmnop', size: 4096 }] },
      'at most 15 characters',
    ],
    [
      'one label twice',
      { reserve_mem: [1, 2].map(() => ({ name: 'a', size: 4096 })) },
      'a label of its own for each region',
    ],
    [
      'nine regions',
      { reserve_mem: Array.from({ length: 9 }, (_, i) => ({ name: `r${i}`, size: 4096 })) },
      'at most 8 regions',
    ],
    ['an alignment of 3', { reserve_mem: [{ name: 'a', size: 4096, align: 3 }] }, 'a power of two'],
    ['no size', { reserve_mem: [{ name: 'a', size: 0 }] }, 'a size above 0'],
    [
      'too much content',
      { reserve_mem: [{ name: 'a', size: 2, content: { text: 'abc' } }] },
      '3 bytes for 2 B',
    ],
  ])('refuses %s', (_what, subtree, message) => {
    expect(() => buildImage({ subtrees: [subtree] })).toThrowError(message);
  });
});
