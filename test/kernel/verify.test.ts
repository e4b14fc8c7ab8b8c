import { totalmem } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTarget } from '../../src/abi/target.ts';
import { type BootResult, bootImage } from '../../src/boot/boot-image.ts';
import type { Verification } from '../../src/model/finding.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { FIXTURES, type FixtureName, imageOf, isFixture } from '../receive/verify-fixtures.ts';
import { buildKernel, RECEIVERS, whyUnfetchable } from './receiver.ts';

const said: string[] = [];

// What the kernels made of what `verify` predicted goes into the log of the run: it is the evidence.
afterAll(() => {
  console.log(said.join('\n'));
});

/** Boots an image on the kernel that `predicted` is about, with its lines and its verdict as expectations. */
async function boot(
  name: string,
  image: Image,
  kernel: string,
  predicted: Verification,
): Promise<BootResult> {
  const expectations = { verdict: predicted.verdict, lines: predicted.console, absent: [] };
  const result = await bootImage({ ...image, expect: expectations }, { kernel, timeout: 60, silence: 8 });
  const doubt = predicted.certain ? '' : ', not certain';
  said.push(
    `${predicted.receiver} ${name}: predicted ${predicted.verdict}${doubt}: ${result.verdict} (${result.reason})`,
  );
  return result;
}

/**
 * Every line that `verify` predicts is said. Its verdict is the kernel's, but where the outcome is undefined: the
 * kernel may do anything then, and it may do another thing next time.
 */
function expectPredicted({ expected }: BootResult, { certain }: Verification): void {
  expect(expected.filter(({ ok, kind }) => !ok && (certain || kind !== 'verdict'))).toEqual([]);
}

describe('what verify predicts, a real 7.3 kernel does', () => {
  let kernel: string;
  beforeAll(() => {
    kernel = buildKernel();
  });

  const names = Object.entries(FIXTURES).flatMap(([name, { spec, from, receiver }]) => {
    const { release = '7.3' } = spec.target ?? {};
    const booted = release === '7.3' && from === undefined && receiver === undefined;
    return booted && isFixture(name) ? [name] : [];
  });

  it.for(names)('%s', async (name, { skip }) => {
    const image = imageOf(FIXTURES[name]);
    const ram = Number(image.ram.reduce((sum, { size }) => sum + size, 0n));
    // Linux refuses QEMU more than the host has (Documentation/mm/overcommit-accounting.rst, 7.3).
    if (ram > totalmem()) skip(`the guest takes ${ram} bytes of RAM, this machine has ${totalmem()}`);
    const predicted = verifyImage(image);
    expectPredicted(await boot(name, image, kernel, predicted), predicted);
  });
});

/** Fixtures whose outcome or whose lines depend on the release; built for that release, where it can be. */
const BY_RELEASE: readonly FixtureName[] = [
  'fdt-unmapped',
  'fdt-header',
  'fdt-header-alignment',
  'fdt-compatible',
  'memory-map-property',
  'scratch-unmapped',
  'scratch-none',
  'outside-ram',
  'fdt-not-preserved',
  'kho-test-folio',
  'kho-test-checksum',
];

const ONLY: Readonly<Record<string, readonly FixtureName[]>> = {
  '6.18': ['map-chunk'],
  '6.19': ['map-chunk', 'memory-map-zero', 'luo-compatible', 'luo-number'],
  '7.1': ['memory-map-zero', 'range-order', 'subtree-blob-size', 'luo-compatible', 'luo-number', 'luo-flbs'],
  '7.2': ['memory-map-zero', 'range-order', 'subtree-blob-size', 'luo-compatible', 'luo-sessions'],
};

/** The same spec for another release; up to 6.19 kernels have no kexec-metadata. */
function retarget(spec: Spec, release: string): Spec {
  const hasMetadata = makeTarget({ release }).abi.has('KHO_KEXEC_METADATA_VERSION');
  const subtrees = (spec.subtrees ?? []).filter((entry) => hasMetadata || !('kexec-metadata' in entry));
  return { ...spec, target: { release }, subtrees };
}

describe.each(RECEIVERS.filter((release) => release in ONLY))(
  'what verify predicts, a real %s kernel does',
  (release) => {
    let kernel: string;
    let missing: string | undefined;
    beforeAll(() => {
      missing = whyUnfetchable(release);
      if (missing === undefined) kernel = buildKernel('--release', release);
    });

    it.for([...BY_RELEASE, ...(ONLY[release] ?? [])])('%s', async (name, { skip }) => {
      if (missing !== undefined) skip(missing);
      const image = buildImage(retarget(FIXTURES[name].spec, release));
      const predicted = verifyImage(image, { receiver: release });
      expectPredicted(await boot(name, image, kernel, predicted), predicted);
    });
  },
);
