import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ByteProgress } from '../../src/base/progress.ts';
import { SeededBytes, seedContents } from '../../src/emit/random.ts';
import { readImageDirectory, writeImageDirectory } from '../../src/formats/directory.ts';
import { writeElfCore } from '../../src/formats/write-core.ts';
import { writeRawExtents } from '../../src/formats/write-raw.ts';
import { type Contents, held, ZEROES } from '../../src/memory/contents.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import type { Spec } from '../../src/specfile/schema.ts';

const MiB = 1 << 20;
const SIZE = 8 * MiB;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'khoforge-contents-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('contents in memory', () => {
  it('read as a flat array would, whatever is filled and written over them', () => {
    const filling = fc.record({
      at: fc.nat(300),
      size: fc.nat(100),
      offset: fc.nat(60),
      kind: fc.constantFrom('made', 'held', 'zeroes', 'written'),
    });
    const pattern = Uint8Array.from({ length: 120 }, (_, i) => i + 1);
    const { bytes: _, ...unheld } = held(pattern);
    fc.assert(
      fc.property(fc.array(filling), (fillings) => {
        const memory = new PhysicalMemory();
        const flat = new Uint8Array(600);
        const mapped = new Uint8Array(600);
        for (const { at, size, offset, kind } of fillings) {
          const expected = new Uint8Array(size);
          if (kind !== 'zeroes') expected.set(pattern.subarray(offset, offset + size));
          const contents = { made: unheld, held: held(pattern), zeroes: ZEROES, written: undefined }[kind];
          if (contents) memory.fill(BigInt(at), size, contents, offset);
          else memory.write(BigInt(at), expected);
          flat.set(expected, at);
          mapped.fill(1, at, at + size);
        }
        const copy = new PhysicalMemory();
        copy.share(memory, { start: 0n, size: 600n });
        expect(copy.read(0n, 600)).toEqual(flat);
        expect(memory.read(0n, 600)).toEqual(flat);
        const covered = Uint8Array.from(flat, (_, i) => Number(memory.covers(BigInt(i), 1)));
        expect(covered).toEqual(mapped);
        const wrong = Array.from(flat.keys()).filter((i) => {
          const end = Number(memory.zeroUntil(BigInt(i)));
          return flat.subarray(i, end).some((byte) => byte !== 0) || mapped.subarray(i, end).includes(0);
        });
        expect(wrong).toEqual([]);
      }),
    );
  });

  it('of a seed are the same from any byte on', () => {
    const flat = new SeededBytes('s').bytes(200);
    const stream = new SeededBytes('s');
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), (at, length) => {
        stream.seek(at);
        expect(stream.bytes(length)).toEqual(flat.subarray(at, at + length));
      }),
    );
  });
});

/** Each place of a spec that takes contents, with 8 MiB of them. */
const places: Record<string, (content: { file: string } | { seed: number; size: number }) => Spec> = {
  raw: (content) => ({ subtrees: [{ raw: { name: 'r', content } }], allow: ['folio-order'] }),
  vmalloc: (content) => ({ subtrees: [{ vmalloc: { name: 'v', content } }] }),
  reserve_mem: (content) => ({ subtrees: [{ reserve_mem: [{ name: 'm', size: SIZE, content }] }] }),
  memfd: (content) => ({
    subtrees: [{ luo: { sessions: [{ name: 's', files: [{ token: 1, memfd: { order: 9, content } }] }] } }],
  }),
  preserve: (content) => ({ preserve: [{ name: 'p', size: SIZE, content }] }),
};

const heldBytes = ({ memory }: Image) => memory.extents.reduce((sum, { bytes }) => sum + bytes.length, 0);

/** What is not held, one after the other. */
function madeBytes({ memory }: Image): Uint8Array {
  const made = memory.pieces.filter((piece) => !('bytes' in piece));
  const bytes = made.map(({ start, ...rest }) => memory.read(start, 'size' in rest ? rest.size : 0));
  return Buffer.concat(bytes);
}

describe('an image', () => {
  const bytes = () => new SeededBytes(5).bytes(SIZE);

  it.each(Object.keys(places))('does not hold the contents of %s', (name) => {
    const file = join(folder, name);
    writeFileSync(file, bytes());
    for (const content of [{ file }, { seed: 5, size: SIZE }]) {
      const image = buildImage(places[name]?.(content) ?? {});
      expect(heldBytes(image)).toBeLessThan(MiB);
      expect(Buffer.compare(madeBytes(image), bytes())).toBe(0);
    }
  });

  it('does not hold the data of kho_test', () => {
    const told: ByteProgress[] = [];
    const onProgress = (bytes: ByteProgress) => told.push(bytes);
    const image = buildImage({ subtrees: [{ kho_test: { max_mem: SIZE } }] }, { onProgress });
    expect(told.at(-1)).toEqual({ done: BigInt(SIZE), total: BigInt(SIZE) });
    expect(heldBytes(image)).toBeLessThan(MiB);
    expect(madeBytes(image).length).toBe(SIZE);
  });

  it('does not read what is refused', () => {
    const file = join(folder, 'large');
    writeFileSync(file, '');
    truncateSync(file, 2 ** 31 - 4096);
    const build = () => buildImage({ ram: '8GiB', subtrees: [{ raw: { name: 'r', content: { file } } }] });
    expect(build).toThrow(/folio-order/);
  });

  it.each(['/dev/zero', '/proc/self'])('takes no contents of %s', (file) => {
    expect(() => buildImage({ preserve: [{ name: 'p', size: SIZE, content: { file } }] })).toThrow(
      /no regular file/,
    );
  });

  it('is not written when a file changed since it was built', () => {
    const file = join(folder, 'changing');
    writeFileSync(file, bytes());
    const image = buildImage({ preserve: [{ name: 'p', size: SIZE, content: { file } }] });
    truncateSync(file, 2 * MiB);
    expect(() => writeImageDirectory(image, join(folder, 'changed'))).toThrow(/changed while it was read/);
  });

  /** With a hole of 1 TiB, then 64 MiB of a seed; tells how much was read at a time. */
  function largeImage(): { image: Image; longest: () => number } {
    const image = buildImage({ ram: '2TiB' });
    const seed = seedContents(5, 64 * MiB);
    let longest = 0;
    const contents: Contents = {
      size: 2 ** 40 + seed.size,
      zeroUntil: (offset) => Math.max(offset, 2 ** 40),
      read(offset, length) {
        longest = Math.max(longest, length);
        return seed.read(offset - 2 ** 40, length);
      },
    };
    image.memory.fill(1n << 39n, contents.size, contents);
    return { image, longest: () => longest };
  }

  it('is written in all forms without holding what it is made of, or reading its holes', () => {
    const { image, longest } = largeImage();
    const digest = createHash('sha256')
      .update(new SeededBytes(5).bytes(64 * MiB))
      .digest('hex');
    const digestAt = (file: string, end: number) =>
      createHash('sha256')
        .update(readFileSync(file).subarray(end - 64 * MiB))
        .digest('hex');

    const directory = join(folder, 'large-dir');
    writeImageDirectory(image, directory);
    const { size } = statSync(join(directory, 'memory.bin'));
    expect(digestAt(join(directory, 'memory.bin'), size)).toBe(digest);
    expect(readImageDirectory(directory).memory.zeroUntil(1n << 39n)).toBe((1n << 39n) + (1n << 40n));

    const told: ByteProgress[] = [];
    const onProgress = (bytes: ByteProgress) => told.push(bytes);
    writeElfCore(image, join(folder, 'large.core'), undefined, { onProgress });
    expect(statSync(join(folder, 'large.core')).size).toBeGreaterThan(2 ** 40);
    const [core] = told.splice(0).reverse();
    expect(core?.done).toBe(core?.total);
    writeRawExtents(image, join(folder, 'large-raw'), { onProgress });
    expect(told.at(-1)).toEqual(core);
    expect(longest()).toBeLessThanOrEqual(MiB);
  });
});
