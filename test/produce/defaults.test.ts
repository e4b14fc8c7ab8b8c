import { describe, expect, it } from 'vitest';
import { PAGE_SIZES } from '../../src/abi/arch.ts';
import { GENERATIONS } from '../../src/abi/generations.ts';
import { RECEIVERS } from '../../src/kernel/receivers.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { verifyImage } from '../../src/receive/verify.ts';

const TARGETS = GENERATIONS.flatMap(({ name, releases }) =>
  (['x86_64', 'arm64'] as const).flatMap((arch) =>
    PAGE_SIZES[arch].map((page_size) => ({ generation: name, releases, arch, page_size })),
  ),
);

describe('a spec that names the target alone', () => {
  it.each(TARGETS)('is taken: $generation $arch $page_size', ({ releases, ...target }) => {
    // From what a machine has at the least to what takes more page structures than usual scratch has room for.
    const blocks =
      target.page_size === 65536 ? ['2GiB'] : target.page_size === 16384 ? ['256MiB'] : ['64MiB'];
    // A tree of 7.0 with pages of 16 KiB is never right.
    const isShallow = target.generation === 'kho-v2' && target.page_size === 16384;
    for (const ram of [undefined, ...blocks, '8GiB', '1TiB']) {
      const image = buildImage({
        target,
        ...(isShallow && { allow: ['radix-order-lost'] }),
        ...(ram !== undefined && { ram }),
      });
      for (const receiver of RECEIVERS.filter((release) => releases.includes(release))) {
        const { verdict, findings } = verifyImage(image, { receiver });
        const errors = findings.filter(({ severity }) => severity === 'error');
        // The least memory has too little scratch for a receiver to be sure of.
        const known = ram === blocks[0] ? errors.filter(({ check }) => check !== 'scratch-small') : errors;
        expect(known, `${ram} to ${receiver}`).toEqual([]);
        // There is nothing in it of which a kernel would say that it used it.
        if (known.length === errors.length) expect(verdict, `${ram} to ${receiver}`).toBe('ignored');
      }
    }
  });
});
