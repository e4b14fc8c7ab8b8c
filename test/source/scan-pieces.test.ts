import { closeSync, openSync, truncateSync, writeSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MappedFile } from '../../src/formats/mapped-file.ts';
import { type FileRange, scanPieces } from '../../src/formats/scan-pieces.ts';
import { native } from '../../src/memory/native.ts';
import { filesFolder } from '../formats/core-writer.ts';

const file = filesFolder();
const PAGE = 4096;
const PIECE = 64 << 20;
const SIZE = 3 * PIECE;

/** What a page that looks like a root FDT begins with. */
const FDT = Buffer.alloc(40);
FDT.writeUInt32BE(0xd00dfeed, 0);
FDT.writeUInt32BE(17, 20);
FDT.writeUInt32BE(16, 24);
/** setup_data of type SETUP_KEXEC_KHO, with an FDT of a page. */
const RECORD = Buffer.alloc(48);
RECORD.writeUInt32LE(10, 8);
RECORD.writeUInt32LE(32, 12);
RECORD.writeBigUInt64LE(0x200000n, 16);
RECORD.writeBigUInt64LE(4096n, 24);

/** A file with holes, and what looks like a handover on both sides of each place where a piece may end. */
function sparse(): string {
  const path = file('pieces', Buffer.alloc(0));
  truncateSync(path, SIZE);
  const descriptor = openSync(path, 'r+');
  for (const at of [-2, -1, 1, 3].map((page) => PIECE + page * PAGE))
    writeSync(descriptor, FDT, 0, FDT.length, at);
  for (const at of [PIECE - 128, PIECE - 16]) writeSync(descriptor, RECORD, 0, RECORD.length, at);
  for (const at of [-2, -1, 0, 1].map((page) => 2 * PIECE + page * PAGE))
    writeSync(descriptor, FDT, 0, FDT.length, at);
  for (const at of [2 * PIECE - 64, 2 * PIECE + 1024]) writeSync(descriptor, RECORD, 0, RECORD.length, at);
  closeSync(descriptor);
  return path;
}

describe('a scan in pieces', () => {
  const path = sparse();
  const descriptor = openSync(path, 'r');
  const scan = (offsets: BigUint64Array, sizes: BigUint64Array, limit: number) =>
    native().scanFile(descriptor, offsets, sizes, limit);
  const whole = (ranges: readonly FileRange[], limit: number) =>
    scan(
      BigUint64Array.from(ranges, ({ offset }) => BigInt(offset)),
      BigUint64Array.from(ranges, ({ size }) => BigInt(size)),
      limit,
    );

  it.each([1000, 9, 8, 7, 4, 1])('finds what one call finds, up to %i of a kind', (limit) => {
    const ranges = [{ offset: 0, size: SIZE }];
    const pieces = scanPieces(ranges, (offsets, sizes) => scan(offsets, sizes, limit), { limit });
    expect(pieces).toEqual(whole(ranges, limit));
    expect(pieces.fdts).toHaveLength(Math.min(limit, 8));
  });

  it('finds a record that begins in one piece and ends in the next', () => {
    const { records } = scanPieces([{ offset: 0, size: SIZE }], (a, b) => scan(a, b, 100), { limit: 100 });
    expect([...records]).toContain(BigInt(PIECE - 16));
  });

  it('finds what one call finds in any ranges of whole pages', () => {
    // The pages around the two places, in ranges that lie one behind the other.
    const cut = fc.integer({ min: 0, max: SIZE / PAGE });
    const near = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -4, max: 4 }));
    const place = fc.oneof(
      cut,
      near.map(([piece, page]) => Math.min(SIZE / PAGE, Math.max(0, (piece * PIECE) / PAGE + page))),
    );
    const cuts = fc.uniqueArray(place, { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(cuts, fc.integer({ min: 1, max: 12 }), (pages, limit) => {
        const sorted = pages.sort((a, b) => a - b).map((page) => page * PAGE);
        const ranges = sorted.slice(1).map((end, i) => ({
          offset: sorted[i] ?? 0,
          size: end - (sorted[i] ?? 0),
        }));
        const pieces = scanPieces(ranges, (offsets, sizes) => scan(offsets, sizes, limit), { limit });
        expect(pieces).toEqual(whole(ranges, limit));
      }),
      { numRuns: 200 },
    );
  });

  it('tells how far it is, up to all', () => {
    const seen: bigint[] = [];
    const mapped = new MappedFile(path);
    mapped.scan([{ offset: 0, size: SIZE - 100 }], ({ done, total }) => {
      expect(total).toBe(BigInt(SIZE - 100));
      seen.push(done);
    });
    mapped.close();
    expect(seen).toEqual([BigInt(PIECE), BigInt(2 * PIECE), BigInt(SIZE - 100)]);
  });

  it('takes many small ranges in one call', () => {
    const ranges = Array.from({ length: 10_000 }, (_, i) => ({ offset: i * PAGE, size: 16 }));
    let calls = 0;
    scanPieces(
      ranges,
      (offsets, sizes) => {
        calls++;
        return scan(offsets, sizes, 10);
      },
      { limit: 10 },
    );
    expect(calls).toBe(1);
  });
});
