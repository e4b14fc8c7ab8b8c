import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KhoforgeError } from '../../src/base/errors.ts';
import { extractHandover } from '../../src/capture/extract.ts';
import { readImageDirectory, writeImageDirectory } from '../../src/formats/directory.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { diffImages } from '../../src/receive/diff.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { inspectJson, inspectText } from '../../src/render/inspect.ts';
import { specOf } from '../../src/respec/as-spec.ts';
import { openSource } from '../../src/source/open.ts';
import type { OpenOptions } from '../../src/source/opened.ts';
import { asLoads, copyMemory, elfCore, filesFolder, setupDataRecord } from '../formats/core-writer.ts';

const file = filesFolder();
const built = buildImage({
  target: { release: '7.3' },
  ram: '64MiB',
  scratch: [{ size: '8MiB' }, { size: '4MiB' }],
  subtrees: [
    { 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 3 } },
    { kho_test: { orders: [0, 1] } },
    { raw: { name: 'mine', content: { text: 'anything' } } },
  ],
});
const memory = copyMemory(built);
memory.write(0x3f_0040n, setupDataRecord(built));
const loads = asLoads(memory);
const core = elfCore(loads);
const headers = core.length - loads.length * 4096;

/** Everything that reads a source; what is wrong with it is a KhoforgeError, or told in the result. */
function readAll(path: string, options: OpenOptions = {}): string {
  try {
    const opened = openSource(path, options);
    const inspection = inspect(opened.image);
    inspectText(inspection, path, opened);
    JSON.parse([...inspectJson(inspection, path, opened)].join(''));
    const captured = extractHandover(opened.image, { withContents: true });
    diffImages(opened.image, captured);
    verifyImage(opened.image);
    specOf(opened.image, inspection);
    return opened.notes.map(({ code }) => code).join();
  } catch (error) {
    if (error instanceof KhoforgeError) return error.code;
    throw error;
  }
}

/** A handover in a dozen pages. */
function smallImage(release: string): Image {
  const metadata = { 'kexec-metadata': { previous_release: release, kexec_count: 3 } };
  const raw = { raw: { name: 'mine', content: { text: 'anything' } } };
  const subtrees = release < '7' ? [raw] : [raw, metadata];
  return buildImage({ target: { release }, ram: '64MiB', scratch: [{ size: '8MiB' }], subtrees });
}

function coreOf(image: Image): Buffer {
  const copy = copyMemory(image);
  copy.write(0x3f_0040n, setupDataRecord(image));
  return elfCore(asLoads(copy));
}

/** Every length at which something is cut off other than zeroes, which read as what is not there does. */
function endings(bytes: Buffer): number[] {
  const lengths = Array.from({ length: bytes.length }, (_, length) => length);
  return lengths.filter((length) => bytes[length] !== 0 || bytes[length - 1] !== 0 || length % 512 < 2);
}

/** A sequence that depends on the seed alone (xorshift32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Mostly bytes that mean something: where the headers, the FDT, the map and the blobs are. */
function mutate(bytes: Buffer, pages: number, random: (below: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  const start = bytes.length - pages * 4096;
  for (let i = random(6); i >= 0; i--) {
    const at = random(4) === 0 ? random(start) : start + random(pages) * 4096 + random(400);
    const value = [0, 0xff, 0x80, 1, random(256)][random(5)] ?? 0;
    copy.fill(value, at, at + 2 ** random(4));
  }
  return copy;
}

describe('a source that is damaged', () => {
  it('is read or refused at every length of its headers', () => {
    for (let length = 0; length <= headers + 16; length++) {
      const told = readAll(file('cut.elf', core.subarray(0, length)));
      expect([length, told]).toEqual([length, expect.stringMatching(/./)]);
    }
  });

  it.each(['6.17', '6.18', '7.1', '7.3'])(
    'is read or refused when it ends at any byte of its memory, %s',
    (release) => {
      const small = coreOf(smallImage(release));
      const lengths = endings(small);
      expect(lengths.length).toBeGreaterThan(250);
      for (const length of lengths) {
        const told = readAll(file('cut.elf', small.subarray(0, length)));
        expect([length, told]).toEqual([length, expect.stringMatching(/./)]);
      }
    },
  );

  it.each([1, 2])('is read or refused with random bytes in it, seed %i', (seed) => {
    const random = randomNumbers(seed * 7919);
    const results = new Map<string, number>();
    for (let run = 0; run < 250; run++) {
      const told = readAll(file('mutated.elf', mutate(core, loads.length, random)));
      results.set(told, (results.get(told) ?? 0) + 1);
    }
    // Some are refused and some are read: the mutations reach both.
    expect(results.size).toBeGreaterThan(1);
  });

  it('is read or refused with random bytes in the map of half a million pages', () => {
    const image = buildImage({
      target: { release: '7.3' },
      ram: '4GiB',
      preserve: [
        { name: 'small', order: 0, count: 300_000 },
        { name: 'huge', order: 9, count: 400 },
        { name: 'range', size: '3MiB' },
      ],
    });
    const large = asLoads(copyMemory(image));
    const bytes = elfCore(large);
    const random = randomNumbers(4711);
    const results = new Map<string, number>();
    for (let run = 0; run < 20; run++) {
      const told = readAll(file('mutated.elf', mutate(bytes, large.length, random)));
      results.set(told, (results.get(told) ?? 0) + 1);
    }
    expect(results.size).toBeGreaterThan(1);
  });

  it('is read or refused as a raw dump of random bytes', () => {
    const random = randomNumbers(99);
    for (let run = 0; run < 50; run++) {
      const bytes = Buffer.from(Array.from({ length: 8192 }, () => random(256)));
      expect(readAll(file('noise', bytes), { base: BigInt(random(2 ** 31)) })).toBe('HANDOVER_NOT_FOUND');
    }
  });

  it('is read or refused as a root FDT of every length', () => {
    const page = Buffer.from(built.memory.read(built.bootRecord.fdtAddr, 4096));
    for (let length = 0; length <= page.readUInt32BE(4); length++) {
      expect(readAll(file('fdt', page.subarray(0, length)))).toMatch(/FDT_ALONE|FDT_INVALID|SOURCE_UNKNOWN/);
    }
  });

  it('is no image directory with more zeroes than a machine has', () => {
    const path = file('anchor', Buffer.alloc(1)).replace(/anchor$/, 'directory');
    writeImageDirectory(built, path);
    const manifest = JSON.parse(new TextDecoder().decode(readFileSync(join(path, 'manifest.json'))));
    manifest.zeroes = [{ start: '0x100000000', size: '0xfffffffff0000000' }];
    writeFileSync(join(path, 'manifest.json'), JSON.stringify(manifest));
    expect(() => readImageDirectory(path)).toThrow(KhoforgeError);
  });
});
