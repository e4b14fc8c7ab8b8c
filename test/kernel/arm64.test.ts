import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { treeTarget } from '../../src/abi/tree-target.ts';
import { type BootResult, bootImage } from '../../src/boot/boot-image.ts';
import type { Image } from '../../src/model/image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { loadSpec } from '../../src/specfile/load.ts';
import { khoforge } from '../cli/run.ts';
import { buildKernel } from './receiver.ts';

const SIZES = ['4K', '16K', '64K'] as const;
const kernels = new Map<string, string>();
const said: string[] = [];

beforeAll(() => {
  for (const size of SIZES) kernels.set(size, buildKernel('--arch', 'arm64', '--page-size', size));
});
afterAll(() => console.log(said.join('\n')));

const kernelOf = (size: string) => kernels.get(size) ?? '';

async function boot(name: string, image: Image, size: string): Promise<BootResult> {
  const result = await bootImage(image, { kernel: kernelOf(size), timeout: 90 });
  said.push(
    `${name}: ${result.verdict}, ${result.reason}`,
    ...[...result.proofs, ...result.refusals].map((line) => `    ${line}`),
  );
  return result;
}

const exampleOf = (size: string) => `examples/arm64-${size.toLowerCase()}.yaml`;
const specOf = (size: string) => loadSpec(exampleOf(size)).spec;

describe('an arm64 kernel of 7.3', () => {
  it.each(SIZES)('with pages of %s revives the example, at the command line', (size) => {
    const { code, stdout } = khoforge(['boot', exampleOf(size), '--kernel', kernelOf(size)]);
    said.push(`${exampleOf(size)}:\n${stdout}`);
    expect(code).toBe(0);
    expect(stdout).toContain('KHO: exec from: 6.19.0-rc4-next-20260107 (count 41)');
    expect(stdout).toContain('test_kho: KHO restore succeeded');
  });

  it('with pages of 16K does not find a folio in a tree of 7.0’s depth', async () => {
    // The same architecture, page size and strings; one level less.
    const base = { base: '7.3', arch: 'arm64', pageSize: 16384 } as const;
    const target = treeTarget({ ...base, items: [{ name: 'KHO_TREE_MAX_DEPTH', value: 4 }], gone: [] });
    const { subtrees = [], scratch = [] } = specOf('16K');
    const image = buildImage(
      {
        ram: '1GiB',
        scratch,
        subtrees,
        allow: ['radix-order-lost'],
        target: { arch: 'arm64', page_size: '16KiB' },
      },
      { target },
    );
    const predicted = verifyImage(image, { receiver: '7.3' });
    const result = await boot('16K, depth 4 instead of 5', image, '16K');
    expect(result.verdict).not.toBe('revived');
    expect(result.proofs.join('\n')).not.toContain('test_kho: KHO restore succeeded');
    expect(predicted.verdict).not.toBe('revived');
  });

  it('refuses another version in its own words, as verify predicts', async () => {
    const { subtrees = [] } = specOf('4K');
    const image = buildImage({
      target: { release: '7.3', arch: 'arm64' },
      ram: '1GiB',
      scratch: [{ size: '128MiB' }],
      subtrees,
      override: { 'root-fdt/compatible': 'kho-v3' },
    });
    const predicted = verifyImage(image, { receiver: '7.3' });
    const result = await boot('4K, kho-v3', image, '4K');
    expect([predicted.verdict, result.verdict]).toEqual(['rejected', 'rejected']);
    for (const line of predicted.console) expect(result.refusals).toContain(line);
  });

  it('ignores memory without a boot record', async () => {
    const { subtrees = [] } = specOf('4K');
    const image = buildImage({
      target: { release: '7.3', arch: 'arm64' },
      ram: '1GiB',
      scratch: [{ size: '128MiB' }],
      subtrees,
    });
    const bootRecord = { kind: 'none', fdtAddr: 0n, fdtSize: 0n, scratchAddr: 0n, scratchSize: 0n } as const;
    expect((await boot('4K, no boot record', { ...image, bootRecord }, '4K')).verdict).toBe('ignored');
  });
});
