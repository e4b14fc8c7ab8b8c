import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PlaceRequest, placeSegment } from '../../src/memory/place-segment.ts';
import type { Region } from '../../src/memory/regions.ts';

const MiB = 1n << 20n;
const request = (fields: Partial<PlaceRequest>): PlaceRequest => ({
  scratch: [{ start: 16n * MiB, size: 64n * MiB }],
  occupied: [],
  memsz: 4096n,
  topDown: true,
  pageSize: 4096,
  ...fields,
});

describe('placeSegment', () => {
  it('puts the scratch array 64 KiB before the end of the first area, as real kernels do', () => {
    expect(placeSegment(request({ memsz: 48n, align: 0x10000n }))).toBe(80n * MiB - 0x10000n);
  });

  it('takes entries in array order, not by address, and skips those that are too small', () => {
    const scratch = [
      { start: 512n * MiB, size: 4096n },
      { start: 256n * MiB, size: 8n * MiB },
      { start: 16n * MiB, size: 64n * MiB },
    ];
    expect(placeSegment(request({ scratch, memsz: 8n * MiB }))).toBe(256n * MiB);
    expect(placeSegment(request({ scratch, memsz: 4096n }))).toBe(512n * MiB);
    expect(placeSegment(request({ scratch, memsz: 64n * MiB + 1n }))).toBeUndefined();
  });

  it('skips an entry of size 0, which real handovers have', () => {
    const scratch = [
      { start: 0n, size: 0n },
      { start: MiB, size: MiB },
    ];
    expect(placeSegment(request({ scratch }))).toBe(2n * MiB - 4096n);
  });

  it('rounds memsz and alignment up to pages', () => {
    expect(placeSegment(request({ memsz: 1n, align: 16n }))).toBe(80n * MiB - 4096n);
    expect(placeSegment(request({ memsz: 1n, align: 16n, pageSize: 65536 }))).toBe(80n * MiB - 65536n);
  });

  it('keeps the first byte at or above min and the last at or below max', () => {
    expect(placeSegment(request({ min: 80n * MiB - 4096n }))).toBe(80n * MiB - 4096n);
    expect(placeSegment(request({ min: 80n * MiB - 4095n }))).toBeUndefined();
    expect(placeSegment(request({ max: 17n * MiB - 1n }))).toBe(17n * MiB - 4096n);
    expect(placeSegment(request({ max: 16n * MiB + 4094n }))).toBeUndefined();
    expect(placeSegment(request({ topDown: false, max: 16n * MiB + 4095n }))).toBe(16n * MiB);
  });

  it('goes round what is occupied, also when that is not page aligned', () => {
    const occupied = [{ start: 80n * MiB - 5000n, size: 10n }];
    expect(placeSegment(request({ occupied, memsz: 8192n }))).toBe(80n * MiB - 16384n);
    expect(placeSegment(request({ occupied: [{ start: 16n * MiB, size: 1n }], topDown: false }))).toBe(
      16n * MiB + 4096n,
    );
  });

  it('finds what trying every page, one by one, finds', () => {
    const page = 4096n;
    const pages = (max: number) => fc.bigInt(0n, BigInt(max));
    const region = fc.record({ start: pages(60), size: fc.bigInt(0n, 24n) });
    const arbitrary = fc.record({
      scratch: fc.array(region, { maxLength: 3 }),
      occupied: fc.array(region, { maxLength: 6 }),
      memsz: fc.bigInt(1n, 12n * page),
      align: fc.constantFrom(16n, page, 4n * page, 16n * page),
      min: fc.bigInt(0n, 70n * page),
      max: fc.bigInt(0n, 100n * page),
      topDown: fc.boolean(),
    });
    const scale = ({ start, size }: Region) => ({ start: start * page, size: size * page });
    fc.assert(
      fc.property(arbitrary, (fields) => {
        const scaled = request({
          ...fields,
          scratch: fields.scratch.map(scale),
          occupied: fields.occupied.map(scale),
        });
        expect(placeSegment(scaled)).toBe(everyPage(scaled));
      }),
      { numRuns: 3000 },
    );
  });
});

/** All page-aligned addresses of an entry, filtered by what a place has to be; the first or the last of them. */
function everyPage(wanted: PlaceRequest): bigint | undefined {
  const { min = 0n, max = 0n, align = 4096n } = wanted;
  const memsz = ((wanted.memsz + 4095n) / 4096n) * 4096n;
  const step = align < 4096n ? 4096n : align;
  for (const { start, size } of wanted.scratch) {
    const fitting: bigint[] = [];
    for (let at = 0n; at + memsz <= start + size; at += 4096n) {
      const inEntry = at >= start && at >= min && at + memsz - 1n <= max && at % step === 0n;
      const free = wanted.occupied.every(
        (o) => o.size === 0n || at >= o.start + o.size || o.start >= at + memsz,
      );
      if (inEntry && free) fitting.push(at);
    }
    const found = wanted.topDown ? fitting.at(-1) : fitting[0];
    if (found !== undefined) return found;
  }
  return undefined;
}
