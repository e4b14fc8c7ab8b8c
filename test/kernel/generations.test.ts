import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { type BootOptions, type BootResult, bootImage } from '../../src/boot/boot-image.ts';
import type { BuiltImage } from '../../src/produce/assembly.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { inspect } from '../../src/receive/decode.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { fileLine, khoInitrd } from './plans.ts';
import { buildKernel, RECEIVERS, whyUnfetchable } from './receiver.ts';

/** Releases that images are made for. They need no kernel. */
const PRODUCERS = ['6.17', '6.18', '6.19', '7.0', '7.1', '7.2', '7.3'] as const;

const said: string[] = [];
const unfetchable = new Map<string, string>();
const kernels = new Map<string, string>();

beforeAll(() => {
  for (const release of RECEIVERS) {
    const why = whyUnfetchable(release);
    if (why === undefined) kernels.set(release, buildKernel('--release', release));
    else unfetchable.set(release, why);
  }
});

// What the kernels said goes into the log of the run: it is the evidence.
afterAll(() => {
  console.log([...said, ...[...unfetchable.values()].map((why) => `SKIPPED: ${why}`)].join('\n'));
});

/** Path of the kernel; skips the test, with the reason, when its source cannot be had. */
function kernelFor(release: string, { skip }: TestContext): string {
  const why = unfetchable.get(release);
  if (why !== undefined) skip(why);
  const kernel = kernels.get(release);
  if (kernel === undefined) throw new Error(`no kernel ${release} was built`);
  return kernel;
}

async function boot(name: string, image: BuiltImage, options: BootOptions): Promise<BootResult> {
  const result = await bootImage(image, { timeout: 90, ...options });
  said.push(`${name}: ${result.verdict} (${result.reason}), ${result.seconds} s`);
  said.push(...[...result.proofs, ...result.refusals].map((line) => `    ${line}`));
  return result;
}

const test = { kho_test: { seed: 1, max_mem: '1MiB' } };
const metadata = { 'kexec-metadata': { previous_release: '6.19.0-rc4-next-20260107', kexec_count: 41 } };

const FOUND = 'KHO: found kexec handover data.';
const METADATA = 'KHO: exec from: 6.19.0-rc4-next-20260107 (count 41)';
const RESTORED = 'test_kho: KHO restore succeeded';

const hasMetadata = (release: string) => release.startsWith('7.') && release !== '7.0';
const specFor = (release: string, change: Spec = {}): Spec => ({
  target: { release },
  subtrees: hasMetadata(release) ? [metadata, test] : [test],
  ...change,
});

/** Compatible strings, by hand (1.1.1 of docs/kho-facts.md). */
const COMPATIBLE: Readonly<Record<string, string>> = {
  '6.17': 'kho-v1',
  '6.18': 'kho-v1',
  '6.19': 'kho-v1',
  '7.0': 'kho-v2',
  '7.1': 'kho-v3',
  '7.2': 'kho-v4',
  '7.3': 'kho-v4',
};
const lookAlike = (a: string, b: string) => COMPATIBLE[a] === COMPATIBLE[b];
/** The one pair of layouts that share a string (1.1.3). */
const bitmapBytes = (release: string) => (release === '6.17' ? 512 : 4096);

describe.each(RECEIVERS)('a real %s kernel', (receiver) => {
  it('revives an image made for it, and shows the FDTs that we wrote', async (context) => {
    const kernel = kernelFor(receiver, context);
    const lines = [FOUND, RESTORED, ...(hasMetadata(receiver) ? [METADATA] : [])];
    const image = buildImage(specFor(receiver, { expect: { verdict: 'revived', lines } }));
    const result = await boot(`${receiver} revives its own`, image, { kernel, initrd: khoInitrd() });
    expect(result.expected.filter(({ ok }) => !ok)).toEqual([]);

    const console_ = readFileSync(result.console, 'latin1');
    const { fdt, subtrees } = inspect(image);
    const blob = subtrees.find(({ name }) => name === 'kho_test');
    for (const [file, phys] of [
      ['in/fdt', fdt?.phys],
      ['in/sub_fdts/kho_test', blob?.phys],
    ] as const) {
      const page = Buffer.from(image.memory.read(phys ?? 0n, 4096));
      const tree = page.subarray(0, page.readUInt32BE(4));
      expect(console_).toContain(fileLine(file, tree));
    }
  });

  it('revives folios of every order, and a list of them that takes more than a page', async (context) => {
    const kernel = kernelFor(receiver, context);
    const orders = [...Array(1500).fill(0), ...Array(11).keys()];
    const subtrees = [{ kho_test: { orders } }];
    const image = buildImage({ target: { release: receiver }, ram: '1GiB', subtrees });
    const result = await boot(`${receiver}, 1511 folios`, image, { kernel });
    expect(result.verdict).toBe('revived');
  });

  it('boots as ever on a handover that was never finalized', async (context) => {
    const kernel = kernelFor(receiver, context);
    const image = buildImage(specFor(receiver, { finalized: false }));
    const result = await boot(`${receiver}, not finalized`, image, { kernel });
    const handsOver = image.bootRecord.kind !== 'none';
    expect(handsOver).toBe(!['6.17', '6.18'].includes(receiver));
    expect(result.verdict).toBe(handsOver ? 'rejected' : 'ignored');
    expect(readFileSync(result.console, 'latin1').includes('KHO:')).toBe(handsOver);
  });

  // The matrix of section 5 of docs/kho-facts.md, cell by cell.
  describe.each(PRODUCERS.filter((producer) => producer !== receiver))('given an image of %s', (producer) => {
    const cell = lookAlike(producer, receiver)
      ? bitmapBytes(producer) === bitmapBytes(receiver)
        ? 'revives'
        : 'accepts and misreads'
      : 'refuses';

    it(`${cell} it`, async (context) => {
      const kernel = kernelFor(receiver, context);
      const image = buildImage(specFor(producer));
      const result = await boot(`${receiver}, image of ${producer}`, image, { kernel });
      const console_ = readFileSync(result.console, 'latin1');
      if (cell === 'refuses') {
        expect(result.verdict).toBe('rejected');
        expect(console_).toContain(`is incompatible with '${COMPATIBLE[receiver]}': 1`);
        expect(console_).not.toContain(FOUND);
        return;
      }
      expect(console_).toContain(FOUND);
      expect(result.refusals).toEqual([]);
      expect(console_.includes(RESTORED)).toBe(cell === 'revives');
      expect(result.verdict === 'revived').toBe(cell === 'revives');
    });
  });
});

describe.each(RECEIVERS.filter((release) => ['6.18', '6.19'].includes(release)))(
  'bitmaps of 512 bytes on a %s kernel, which reads a page at each',
  (receiver) => {
    it('accepted: the kernel dies on the pages that the neighbours seem to preserve', async (context) => {
      const kernel = kernelFor(receiver, context);
      const image = buildImage(specFor('6.17', { ram: '256MiB' }));
      const result = await boot(`${receiver}, image of 6.17 in 256 MiB`, image, { kernel });
      const console_ = readFileSync(result.console, 'latin1');
      expect(result.verdict).toBe('broken');
      expect(console_).toMatch(/BUG: unable to handle page fault[\s\S]*RIP: [^\n]*kho_me/);
    });

    it('inspect tells them by where they stand', () => {
      const image = buildImage(specFor('6.17'));
      const { target } = buildImage({ target: { release: receiver } });
      expect(inspect({ ...image, target }).bitmaps?.verdict).toBe('contradicts');
      expect(inspect(image).bitmaps?.verdict).toBe('agrees');
    });
  },
);
