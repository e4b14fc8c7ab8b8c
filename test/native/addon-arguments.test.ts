import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { benchNative } from '../../src/bench/addon.ts';
import { MAP_FINDING_CODES, native } from '../../src/memory/native.ts';

const NONE = new BigUint64Array();
const BYTES = new Uint8Array();

/** Each call with arguments that are right, so that a test can replace one. */
const BUILD: readonly unknown[] = [12, 6, NONE, NONE, BYTES, NONE, NONE, 100];
const RELOCATE: readonly unknown[] = [12, 6, new Uint8Array(4096), Uint8Array.of(1), 0n, 4096n];
const SPLIT: readonly unknown[] = [12, 1n, 2n];
const WALK: readonly unknown[] = [12, 6, BigUint64Array.of(0n), [BYTES], 4096n, 10, 10, 10, 52];
const CHAIN: readonly unknown[] = [12, 512, NONE, NONE, BYTES, NONE, NONE, 100];
const LINK: readonly unknown[] = [12, 512, new Uint8Array(4096), 4096n, 8192n];
const WALK_CHAIN: readonly unknown[] = [12, 4096, BigUint64Array.of(0n), [BYTES], 4096n, 10, 10, 10, 52];
const CALLS: readonly (readonly [string, readonly unknown[]])[] = [
  ['buildRadixTree', BUILD],
  ['relocateRadixTree', RELOCATE],
  ['splitRange', SPLIT],
  ['walkRadixTree', WALK],
  ['buildBitmapChain', CHAIN],
  ['linkBitmapChain', LINK],
  ['walkBitmapChain', WALK_CHAIN],
];
/** For which no arguments are right without a socket. */
const SEND_PIPE: readonly unknown[] = [0, BYTES];

/** Calls the addon as untyped JavaScript would. */
function call(name: string, args: readonly unknown[]): unknown {
  return Reflect.apply(Reflect.get(native(), name), undefined, [...args]);
}

const positions = [...CALLS, ['sendPipe', SEND_PIPE] as const].flatMap(([name, args]) =>
  args.map((_, i) => [name, i, args] as const),
);

describe('arguments of the wrong type', () => {
  it.each(CALLS)('%s takes the right ones', (name, args) => {
    expect(() => call(name, args)).not.toThrow();
  });

  it.each(positions)('%s, argument %i', (name, position, args) => {
    const wrong = [
      undefined,
      null,
      'text',
      {},
      new DataView(new ArrayBuffer(8)),
      new Float64Array(1),
      Symbol('x'),
    ];
    const other = typeof args[position] === 'bigint' ? 1 : 1n;
    for (const value of [...wrong, other]) {
      expect(() => call(name, args.with(position, value))).toThrow(TypeError);
    }
  });

  it.each(CALLS)('%s without arguments', (name) => {
    expect(() => call(name, [])).toThrow(TypeError);
  });

  it('an array of bytes that holds something else', () => {
    for (const wrong of [undefined, 1, NONE, 'x', new ArrayBuffer(4)]) {
      const args = WALK.with(3, [wrong]);
      expect(() => call('walkRadixTree', args)).toThrow(TypeError);
    }
  });
});

describe('numbers out of bounds', () => {
  it.each([-1n, 2n ** 64n, -(2n ** 64n)])('bigint %s, which 64 bits do not hold', (value) => {
    expect(() => call('splitRange', [12, value, 2n])).toThrow(RangeError);
    expect(() => call('walkRadixTree', WALK.with(4, value))).toThrow(RangeError);
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('number %s', (value) => {
    expect(() => call('buildRadixTree', BUILD.with(7, value))).toThrow(RangeError);
    expect(() => call('buildRadixTree', BUILD.with(0, value))).toThrow(RangeError);
  });

  it.each([
    [13, 6],
    [12, 1],
    [12, 7],
    [12, 0],
    [16, 8],
  ])('no tree has page shift %i and depth %i', (pageShift, depth) => {
    const args = BUILD.with(0, pageShift).with(1, depth);
    expect(() => call('buildRadixTree', args)).toThrow(RangeError);
  });

  it.each([
    [13, 512],
    [12, 0],
    [12, 4],
    [12, 513],
    [12, 8192],
  ])('no chain has page shift %i and bitmaps of %i bytes', (pageShift, bytes) => {
    expect(() => call('buildBitmapChain', CHAIN.with(0, pageShift).with(1, bytes))).toThrow(RangeError);
  });

  it('lists of unequal length', () => {
    expect(() => call('buildRadixTree', BUILD.with(2, new BigUint64Array(3)))).toThrow(RangeError);
    expect(() => call('buildRadixTree', BUILD.with(4, new Uint8Array(1)))).toThrow(RangeError);
    expect(() => call('buildRadixTree', BUILD.with(5, new BigUint64Array(1)))).toThrow(RangeError);
    expect(() => call('walkRadixTree', WALK.with(3, []))).toThrow(RangeError);
    expect(() => call('walkRadixTree', WALK.with(3, new Array(2 ** 32 - 1)))).toThrow(RangeError);
    expect(() => call('relocateRadixTree', RELOCATE.with(2, new Uint8Array(4095)))).toThrow(RangeError);
    expect(() => call('linkBitmapChain', LINK.with(2, new Uint8Array(4095)))).toThrow(RangeError);
  });
});

describe('arguments that fight back', () => {
  it('an accessor that throws: its error comes through', () => {
    const bytes: unknown[] = [];
    Object.defineProperty(bytes, 0, {
      get: () => {
        throw new EvalError('mine');
      },
    });
    expect(() => call('walkRadixTree', WALK.with(3, bytes))).toThrow(EvalError);
  });

  it('an accessor that detaches the memory of an extent before it', () => {
    const page = new Uint8Array(4096).fill(0xff);
    const starts = BigUint64Array.of(4096n, 8192n);
    const bytes: unknown[] = [page];
    Object.defineProperty(bytes, 1, {
      get: () => {
        structuredClone(page.buffer, { transfer: [page.buffer] });
        return BYTES;
      },
    });
    const args = WALK.with(2, starts).with(3, bytes);
    expect(call('walkRadixTree', args)).toMatchObject({ findings: [{ code: 'NODE_OUTSIDE' }] });
  });

  it('an accessor that detaches the list of addresses', () => {
    const starts = BigUint64Array.of(4096n);
    const bytes: unknown[] = [];
    Object.defineProperty(bytes, 0, {
      get: () => {
        structuredClone(starts.buffer, { transfer: [starts.buffer] });
        return BYTES;
      },
    });
    expect(() => call('walkRadixTree', WALK.with(2, starts).with(3, bytes))).toThrow(RangeError);
  });

  it('anything at all either throws or answers', () => {
    const anything = fc.anything({ withBigInt: true, withTypedArray: true, withSparseArray: true });
    const mostlyRight = (args: readonly unknown[]) =>
      fc.tuple(...args.map((arg) => fc.oneof({ weight: 4, arbitrary: fc.constant(arg) }, anything)));
    for (const [name, args] of CALLS) {
      fc.assert(
        fc.property(mostlyRight(args), (given) => {
          let thrown: unknown;
          try {
            call(name, given);
          } catch (error) {
            thrown = error;
          }
          expect(thrown === undefined || thrown instanceof Error).toBe(true);
        }),
        { numRuns: 500 },
      );
    }
  });
});

describe('the addon and its types', () => {
  it('have the same codes of findings', () => {
    expect(native().findingCodes).toEqual(MAP_FINDING_CODES);
  });

  it('have the same calls', () => {
    // TypeScript wants each name of the type here, and no other.
    const members: Record<keyof ReturnType<typeof native>, true> = {
      allBlocks: true,
      buildBitmapChain: true,
      buildRadixTree: true,
      findingCodes: true,
      interface: true,
      linkBitmapChain: true,
      listBlocks: true,
      lockFile: true,
      mapFaults: true,
      mapFile: true,
      moveFile: true,
      nextBlocks: true,
      nextData: true,
      nextRanges: true,
      openBlocks: true,
      openRadixTree: true,
      openRanges: true,
      relocateRadixTree: true,
      scanFile: true,
      sendPipe: true,
      splitRange: true,
      unmapFile: true,
      walkBitmapChain: true,
      walkRadixTree: true,
    };
    expect(Object.keys(native()).sort()).toEqual(Object.keys(members));
  });
});

describe('bytes that the benchmark reads as numbers', () => {
  const memory = new Uint8Array(64);

  it.each([
    ['not aligned', memory.subarray(4, 20)],
    ['half a number', memory.subarray(8, 20)],
  ])('%s', (_name, bytes) => {
    const bench = benchNative();
    const out = new BigUint64Array(64);
    expect(() => bench.fill(0, 1, bytes)).toThrow(RangeError);
    expect(() => bench.count(bytes)).toThrow(RangeError);
    expect(() => bench.list(bytes, 0n, out)).toThrow(RangeError);
    expect(() => bench.streamRead(bytes)).toThrow(RangeError);
    expect(() => bench.streamWrite(bytes)).toThrow(RangeError);
    expect(() => bench.kernelWalkRanges(12, 6, bytes, 0n, out, 0, 0)).toThrow(RangeError);
    expect(() => bench.kernelWalkPages(12, 6, bytes, 0n, memory)).toThrow(RangeError);
    expect(() => bench.kernelWalkPages(12, 6, memory, 0n, memory.subarray(2, 10))).toThrow(RangeError);
    expect(() => bench.kernelBuild(12, 6, NONE, BYTES, NONE, NONE, bytes)).toThrow(RangeError);
  });
});
