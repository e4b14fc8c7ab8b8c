import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KhoforgeError } from '../../src/base/errors.ts';
import { RECEIVERS } from '../../src/kernel/receivers.ts';
import { PhysicalMemory } from '../../src/memory/physical-memory.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { allBytes } from '../memory/all-bytes.ts';
import { good, luoSer, tree } from './verify-fixtures.ts';

const SOURCES: readonly Image[] = [
  { release: '6.18', luo: tree({}) },
  { release: '6.19', luo: tree({ compatible: Buffer.from('luo-v1\0') }) },
  { release: '7.1', luo: tree({ compatible: Buffer.from('luo-v1\0') }) },
  { release: '7.3', luo: luoSer('luo-v5', 0x8000000n, 0x8001000n) },
].map(({ release, luo }) =>
  buildImage({
    target: { release },
    subtrees: [
      ...(release < '7' ? [] : [{ 'kexec-metadata': { previous_release: 'x', kexec_count: 1 } }]),
      { kho_test: { seed: 1, max_mem: '32KiB' } },
      { raw: { name: 'LUO', content: { bytes: luo } } },
      { raw: { name: 'memblock', content: { bytes: tree({ compatible: Buffer.from('memblock-v1\0') }) } } },
    ],
    preserve: [{ name: 'more', order: 0, count: 4, addr: '0x8000000' }],
  }),
);

interface Flip {
  /** Where in the image's bytes: a part of all. */
  readonly at: number;
  readonly mask: number;
}

/** A copy with some bytes changed, and with what lies behind `end` cut off. */
function damage({ memory, ...image }: Image, flips: readonly Flip[], end = Number.POSITIVE_INFINITY): Image {
  const copy = new PhysicalMemory();
  let left = end;
  for (const extent of allBytes(memory)) {
    const bytes = Uint8Array.from(extent.bytes.subarray(0, Math.max(0, left)));
    left -= extent.bytes.length;
    copy.map(extent.start, bytes);
  }
  const total = copy.extents.reduce((sum, { bytes }) => sum + bytes.length, 0);
  for (const { at, mask } of flips) flip(copy, Math.floor(at * total), mask);
  return { ...image, memory: copy };
}

function flip(memory: PhysicalMemory, offset: number, mask: number): void {
  let rest = offset;
  for (const { bytes } of memory.extents) {
    if (rest < bytes.length) {
      bytes[rest] = (bytes[rest] ?? 0) ^ mask;
      return;
    }
    rest -= bytes.length;
  }
}

/** Whatever the image holds, there is a verdict; nothing is thrown but a KhoforgeError. */
function verdictOf(image: Image, receiver: string): string {
  try {
    const { verdict, findings } = verifyImage(image, { receiver });
    expect(findings.length).toBeLessThan(1000);
    return verdict;
  } catch (error) {
    expect(error).toBeInstanceOf(KhoforgeError);
    return 'error';
  }
}

const source = fc.constantFrom(...SOURCES);
const receiver = fc.constantFrom(...RECEIVERS);
const flips = fc.array(
  fc.record({ at: fc.double({ min: 0, max: 0.9999, noNaN: true }), mask: fc.integer({ min: 1, max: 255 }) }),
  { minLength: 1, maxLength: 40 },
);
const word = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

describe('verify of a damaged image gives a verdict', () => {
  it('whatever bytes are changed', () => {
    fc.assert(
      fc.property(source, receiver, flips, (image, release, changes) => {
        expect(verdictOf(damage(image, changes), release)).not.toBe('error');
      }),
      { numRuns: 400 },
    );
  });

  it('whatever words stand in the root FDT', () => {
    fc.assert(
      fc.property(
        source,
        receiver,
        fc.array(fc.tuple(fc.nat(1023), fc.nat(0xffffffff)), { maxLength: 6 }),
        (image, release, words) => {
          const copy = damage(image, []);
          for (const [index, value] of words) {
            const bytes = Buffer.alloc(4);
            bytes.writeUInt32BE(value);
            copy.memory.write(image.bootRecord.fdtAddr + BigInt(index * 4), bytes);
          }
          expect(verdictOf(copy, release)).not.toBe('error');
        },
      ),
      { numRuns: 400 },
    );
  });

  it('wherever its bytes end', () => {
    const [small] = SOURCES;
    if (!small) throw new Error('no source');
    const total = small.memory.extents.reduce((sum, { bytes }) => sum + bytes.length, 0);
    for (let end = 0; end < total; end += 997)
      expect(verdictOf(damage(small, [], end), '6.18')).not.toBe('error');
  });

  it('whatever the boot record says', () => {
    const record = fc.record({
      fdtAddr: word,
      fdtSize: word,
      scratchAddr: word,
      scratchSize: word,
      setupDataType: fc.nat(20),
      setupDataLen: fc.nat(0xffffffff),
    });
    fc.assert(
      fc.property(
        source,
        receiver,
        record,
        fc.subarray(Object.keys(good)),
        (image, release, changes, keep) => {
          const bootRecord = { ...image.bootRecord, ...changes };
          const half =
            keep.length > 0
              ? { ...bootRecord, setupDataType: 10, setupDataLen: 32, fdtAddr: image.bootRecord.fdtAddr }
              : bootRecord;
          expect(verdictOf({ ...image, bootRecord: half }, release)).not.toBe('error');
        },
      ),
      { numRuns: 200 },
    );
  });

  it('whatever its RAM and scratch are', () => {
    const region = fc.record({ start: word, size: word });
    fc.assert(
      fc.property(source, receiver, fc.array(region, { maxLength: 5 }), (image, release, ram) => {
        const fits = ram.map(({ start, size }) => ({ start, size: size % ((1n << 64n) - start) }));
        expect(verdictOf({ ...image, ram: fits }, release)).not.toBe('error');
      }),
      { numRuns: 200 },
    );
  });
});

describe('the work is bounded', () => {
  it('for a memory map that leads to itself from every entry', () => {
    const image = damage(SOURCES[3] ?? buildImage(good), []);
    const map = image.placements.find(({ path }) => path === 'memory-map')?.start ?? 0n;
    const page = Buffer.alloc(4096);
    for (let at = 0; at < page.length; at += 8) page.writeBigUInt64LE(map, at);
    image.memory.write(map, page);
    // Followed down all levels they would be 512 to the power of 5 pages: that would not end.
    const { verdict, findings } = verifyImage(image);
    expect(verdict).toBe('broken');
    expect(findings.length).toBeLessThan(1000);
  });
});
