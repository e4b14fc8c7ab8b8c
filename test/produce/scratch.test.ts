import { describe, expect, it } from 'vitest';
import { makeTarget } from '../../src/abi/target.ts';
import { regionEnd } from '../../src/memory/regions.ts';
import { walkMemoryMap } from '../../src/memory/walk-map.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { type Reserved, scratchSizes } from '../../src/produce/scratch-size.ts';
import { inspect } from '../../src/receive/decode.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { codeOf, errorOf } from '../thrown.ts';

const MiB = 1n << 20n;
const GiB = 1n << 30n;

/** Numbers worked out by hand from the rules; the sizes of real kernels are compared in test/kernel/placement.test.ts. */
describe('sizes of scratch', () => {
  const reserved: Reserved[] = [
    { start: 16n * MiB, size: 10n * MiB, kernel: true, node: 0 },
    { start: 64n * MiB, size: 100n * MiB, kernel: false },
    { start: 5n * GiB, size: 7n * MiB, kernel: true, node: 1 },
    { start: 6n * GiB, size: 3n * MiB, kernel: true },
  ];
  const sizes = (release: string, parameter: string) =>
    scratchSizes(makeTarget({ release }), parameter, reserved, { nodes: 2, lowLimit: 4n * GiB - 1n }).map(
      (size) => Number(size / MiB),
    );

  it('of a share are made of what the kernel had for itself, in whole blocks', () => {
    expect(sizes('7.3', '200%')).toEqual([20, 20, 20, 16]);
    expect(sizes('7.3', '50%')).toEqual([8, 8, 8, 4]);
    expect(sizes('7.1', '50%')).toEqual([6, 6, 6, 4]);
  });

  it('of a share leave global what rounded lowmem leaves up to 6.19', () => {
    expect(sizes('7.1', '130%')).toEqual([14, 14, 14, 10]);
    expect(sizes('6.19', '130%')).toEqual([14, 12, 14, 10]);
  });

  it('that are given are rounded, up to 6.19 only those of nodes', () => {
    expect(sizes('7.3', '33M,0x100000,1G')).toEqual([36, 4, 1024, 1024]);
    expect(sizes('6.19', '33M,1M,3M')).toEqual([33, 1, 4, 4]);
  });

  it.each(['', '%', '0%', '4294967296%', '1M,2M', '1M,2M,3M,4M', '0,0,0', '1M, 2M,3M', 'x,y,z', '16E,1M,1M'])(
    'are refused for %j, as the kernel does',
    (parameter) => {
      expect(codeOf(() => sizes('7.3', parameter))).toBe('SCRATCH_PARAMETER');
    },
  );
});

describe('scratch of several nodes', () => {
  const spec: Spec = { ram: '6GiB', nodes: ['1GiB', '5GiB'], scratch: '32M,64M,16M' };

  it('has a region in each node', () => {
    const { scratch, nodes } = buildImage(spec);
    expect(nodes).toEqual([GiB, 5n * GiB]);
    expect(scratch).toHaveLength(4);
    const [lowmem, global, first, second] = scratch.map(regionEnd);
    expect(lowmem).toBeLessThanOrEqual(2n * GiB);
    expect(global).toBeGreaterThan(4n * GiB);
    expect(first).toBeLessThanOrEqual(GiB);
    expect(second).toBeGreaterThan(4n * GiB);
  });

  it('leaves the struct pages of each node at its end', () => {
    const { scratch } = buildImage({ ...spec, scratch: '200%' });
    // 16 MiB of node 0, of 1 GiB; 80 MiB of node 1, above 4 GiB.
    expect(scratch.map(({ size }) => size / MiB)).toEqual([32n, 160n, 32n, 160n]);
    expect(scratch[2] && regionEnd(scratch[2])).toBe(GiB - 16n * MiB);
  });

  it('takes nothing that the kernel had taken', () => {
    const taken = { start: 7n * GiB, size: GiB, kernel: false };
    const { scratch } = buildImage({ ...spec, reserved: [taken] });
    expect(scratch.map(regionEnd).every((end) => end <= 7n * GiB)).toBe(true);
  });

  it('is refused when the nodes are not all memory', () => {
    expect(codeOf(() => buildImage({ ...spec, nodes: ['1GiB', '4GiB'] }))).toBe('NODES_SIZE');
    expect(codeOf(() => buildImage({ ...spec, nodes: [0, '5GiB'] }))).toBe('NODES_SIZE');
  });

  it('leaves out a node without memory, on which KHO of 6.18 fails', () => {
    const empty = (release: string): Spec => ({
      target: { release },
      ram: '512MiB',
      nodes: ['256MiB', 0, '256MiB'],
    });
    for (const release of ['6.19', '7.3']) {
      expect(buildImage(empty(release)).scratch).toHaveLength(4);
      expect(buildImage({ ...empty(release), scratch: '200%' }).scratch).toHaveLength(4);
    }
    expect(errorOf(() => buildImage(empty('6.18'))).message).toMatch(/no KHO where a node has no memory/);
  });

  it('has no block of a range in two nodes, from 7.1 on', () => {
    const range: Spec = {
      ram: '4GiB',
      nodes: ['1088MiB', '3008MiB'],
      scratch: [{ size: '64MiB' }],
      preserve: [{ name: 'both', size: '128MiB', addr: GiB }],
    };
    const large = (release: string) => {
      const image = buildImage({ ...range, target: { release } });
      const map = inspect(image).memoryMap ?? 0n;
      return walkMemoryMap(image.target, image.memory, map).byOrder.slice(14, 16);
    };
    expect(large('7.3')).toEqual(BigUint64Array.of(2n, 0n));
    expect(large('6.19')).toEqual(BigUint64Array.of(0n, 1n));
  });
});
