import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../src/abi/target.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import { inspectJson, inspectText } from '../../src/render/inspect.ts';
import type { Spec } from '../../src/specfile/schema.ts';

const build = (release: string, change: Spec = {}) =>
  buildImage({ target: { release }, subtrees: [{ kho_test: { seed: 1, max_mem: '1MiB' } }], ...change });
/** The same bytes, taken for another release's. */
const takenFor = (image: Image, release: string): Image => ({ ...image, target: makeTarget({ release }) });
const evidence = (image: Image) => inspect(image).bitmaps;

/** Beyond 16 MiB in its window of 128 MiB: only bitmaps of a page reach so far. */
const far: Spec = { preserve: [{ name: 'far', order: 0, addr: '0x5000000' }] };

describe('bitmaps of 512 bytes', () => {
  it('are told from those of a page by where they stand', () => {
    const image = build('6.17');
    expect(evidence(image)).toMatchObject({
      verdict: 'agrees',
      possible: [512],
      generations: ['kho-v1-6.17'],
    });
    for (const release of ['6.18', '6.19']) {
      expect(evidence(takenFor(image, release))).toMatchObject({ verdict: 'contradicts', possible: [512] });
    }
    expect(evidence(image)?.reasons).toEqual([
      expect.stringMatching(/^not 4096 bytes: .*no multiple of 4096$/),
    ]);
  });

  it('or, each in a page of its own, by what they span', () => {
    const one: Spec = { subtrees: [], preserve: [{ name: 'far', order: 0, addr: '0x5000000' }] };
    const image = build('6.17', { ...one, unpreserve: ['root-fdt'] });
    expect(evidence(image)).toMatchObject({ verdict: 'agrees' });
    expect(evidence(image)?.reasons[0]).toMatch(/starts at 0x5000000, such a bitmap spans 0x8000000/);
  });
});

describe('bitmaps of a page', () => {
  it('are told from those of 512 bytes by the bits that only they have', () => {
    const image = build('6.18', far);
    expect(evidence(image)).toMatchObject({
      verdict: 'agrees',
      possible: [4096],
      generations: ['kho-v1-6.18', 'kho-v1'],
    });
    expect(evidence(takenFor(image, '6.17'))).toMatchObject({ verdict: 'contradicts' });
  });

  it('are ambiguous when everything is in the first 16 MiB of its window', () => {
    const image = build('6.18');
    expect(evidence(image)).toMatchObject({ verdict: 'ambiguous', possible: [512, 4096], reasons: [] });
    expect(evidence(takenFor(image, '6.17'))).toMatchObject({ verdict: 'ambiguous' });
    expect(inspect(image).problems).toEqual([]);
  });
});

describe('what inspect makes of it', () => {
  it('a contradiction is a problem, an agreement is told', () => {
    const wrong = inspect(takenFor(build('6.17'), '6.18'));
    expect(wrong.problems.join('\n')).toMatch(/memory map: not by kho-v1-6.18: not 4096 bytes/);
    expect(inspectText(wrong, 'x').join('\n')).toContain('bitmaps as of kho-v1-6.17: not 4096 bytes');
    expect(inspectText(inspect(build('6.18')), 'x').join('\n')).toContain(
      'bitmaps as of kho-v1-6.17, kho-v1-6.18, kho-v1: nothing in the image tells which',
    );
    const { memoryMap } = JSON.parse([...inspectJson(inspect(build('6.18', far)), 'x')].join(''));
    expect(memoryMap).toMatchObject({ kind: 'bitmap-chain', bitmaps: { verdict: 'agrees' } });
  });

  it('there is none where the compatible string tells, or no bitmap is', () => {
    expect(evidence(build('7.1'))).toBeNull();
    expect(evidence(build('6.19', { finalized: false }))).toBeNull();
    expect(
      evidence(
        build('6.18', { override: { 'memory-map/chunks[0]/num_elms': 0, 'memory-map/chunks[0]/next': 0 } }),
      ),
    ).toBeNull();
  });

  it('a chain that goes in circles or nowhere is read once', () => {
    const base = build('6.18');
    const map = inspect(base).memoryMap ?? 0n;
    for (const next of [map, 0xdead000n, 0x123n]) {
      const image = build('6.18', { override: { 'memory-map/chunks[0]/next': next } });
      expect(evidence(image)).toMatchObject({ possible: [512, 4096] });
    }
  });
});

describe('over random images', () => {
  const entry = fc.record({
    order: fc.integer({ min: 0, max: 9 }),
    count: fc.integer({ min: 1, max: 40 }),
    place: fc.integer({ min: 2, max: 60 }),
  });

  it('never speaks against the generation that wrote it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('6.17', '6.18', '6.19'),
        fc.array(entry, { maxLength: 5 }),
        (release, entries) => {
          const used = new Set<number>();
          const preserve = entries.flatMap(({ order, count, place }, i) => {
            if (used.has(place)) return [];
            used.add(place);
            return [
              { name: `m${i}`, order, count: Math.min(count, 2 ** (10 - order)), addr: BigInt(place) << 24n },
            ];
          });
          const image = buildImage({ target: { release }, ram: '2GiB', preserve });
          expect(evidence(image)?.verdict).not.toBe('contradicts');
          expect(inspect(image).problems).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});
