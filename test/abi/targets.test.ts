import { describe, expect, it } from 'vitest';
import { RELEASES } from '../../src/abi/declared.ts';
import { GENERATIONS, generationOfRelease } from '../../src/abi/generations.ts';
import { knownProfile } from '../../src/abi/profile.ts';
import { radixGeometry } from '../../src/abi/radix.ts';
import { makeTarget } from '../../src/abi/target.ts';
import { COMBINATIONS } from '../../src/profile/source.ts';

describe('tree depth', () => {
  // KHO_TREE_MAX_DEPTH as compiled for each page size; 7.0's from its own formula.
  it.each([
    ['kho-v2', 6, 4, 4],
    ['kho-v3', 6, 5, 4],
    ['kho-v4', 6, 5, 4],
  ])('of %s is %i, %i, %i with 4, 16, 64 KiB pages', (generation, ...depths) => {
    const found = [4096, 16384, 65536].map(
      (pageSize) => radixGeometry(makeTarget({ generation, arch: 'arm64', pageSize })).depth,
    );
    expect(found).toEqual(depths);
  });
});

describe('makeTarget', () => {
  it.each(RELEASES.flatMap((release) => COMBINATIONS.map((one) => ({ release, ...one }))))(
    'has what the profile of $release says, on $arch with pages of $pageSize',
    (one) => {
      const { release, arch, pageSize } = one;
      const { facts } = makeTarget({ release, arch, pageSize }).abi;
      const profile = knownProfile(release, arch, pageSize);
      expect(profile?.items.map(({ name }) => [name, facts.get(name)])).toEqual(
        profile?.items.map(({ name, kind: _, header: __, ...own }) => [name, own]),
      );
      // No compiler read 7.0.
      if (profile?.obtained === 'shim') expect(facts.size).toBe(profile.items.length);
    },
  );

  it('finds a generation by release, also with a patch level', () => {
    expect(makeTarget({ release: '7.1.13' }).generation.name).toBe('kho-v3');
    expect(generationOfRelease('7.3-rc2').name).toBe('kho-v4');
  });

  it('has each release in one generation', () => {
    const releases = GENERATIONS.flatMap((generation) => generation.releases);
    expect(new Set(releases).size).toBe(releases.length);
  });

  it.each([
    [{ release: '5.10' }, /unknown release '5.10': expected 6.16, 6.17, 6.18, 6.19, 7.0/],
    [{ generation: 'kho-v9' }, /unknown generation 'kho-v9'/],
    [{ arch: 'x86_64', pageSize: 16384 }, /no page size 16384 on x86_64/],
    [{ arch: 'arm64', pageSize: 8192 }, /no page size 8192 on arm64/],
    [{ release: '7.1', generation: 'kho-v4' }, /7.1 writes kho-v3, not kho-v4/],
  ] as const)('refuses %o', (options, message) => {
    expect(() => makeTarget(options)).toThrow(message);
  });
});
