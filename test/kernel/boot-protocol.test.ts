import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { bootImage } from '../../src/boot/boot-image.ts';
import { consoleLines, message } from '../../src/guest/console.ts';
import { buildInitrd, initLines, planLine } from '../../src/guest/initrd.ts';
import { isWithin } from '../../src/memory/regions.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { codeOf } from '../thrown.ts';
import { buildKernel } from './receiver.ts';

const SUBTREES: NonNullable<Spec['subtrees']> = [
  { 'kexec-metadata': { previous_release: '7.3.4', kexec_count: 1 } },
  { kho_test: { seed: 1, max_mem: '1MiB' } },
];
const PRINTED = ['/proc/iomem', '/sys/devices/system/node/online'];

const compressedWith = (name: string) => [
  '--config',
  'CONFIG_KERNEL_GZIP=n',
  '--config',
  `CONFIG_KERNEL_${name}=y`,
];
const PLAIN: string[] = [];
const FIXED = ['--config', 'CONFIG_RELOCATABLE=n', ...compressedWith('XZ')];
const KASLR = ['--config', 'CONFIG_RANDOMIZE_BASE=y', ...compressedWith('ZSTD')];
const ARM64 = ['--arch', 'arm64', '--page-size', '4K'];

const said: string[] = [];
afterAll(() => console.log(said.join('\n')));

/** What user space of the receiver sees: lines of a file. */
type Seen = (path: string) => string[];

async function boot(name: string, spec: Spec, kernelArguments: readonly string[]) {
  const image = buildImage({ subtrees: SUBTREES, ...spec });
  const plan = PRINTED.map((path) => planLine('print', path));
  const initrd = buildInitrd({ arch: image.target.arch, plan });
  const kernel = buildKernel(...kernelArguments);
  const result = await bootImage(image, { kernel, timeout: 120, initrd });
  const lines = consoleLines(readFileSync(result.console)).map(message);
  said.push(`${name}: ${result.verdict}, ${result.seconds} s`, ...result.proofs.map((line) => `    ${line}`));
  expect(result.verdict).toBe('revived');
  expect(result.proofs).toContain('test_kho: KHO restore succeeded');
  expect(lines).toContain('khoforge-init: done');
  const seen: Seen = (path) =>
    initLines(lines).flatMap((line) =>
      line.startsWith(`text ${path} `) ? [line.slice(`text ${path} `.length)] : [],
    );
  return { image, seen };
}

/** `  1000000-17fffff : Kernel code` of /proc/iomem. */
function region(seen: Seen, name: string): { start: bigint; end: bigint } {
  const line = seen('/proc/iomem').find((one) => one.endsWith(` : ${name}`));
  const [, start = '0', last = '0'] = /^\s*([0-9a-f]+)-([0-9a-f]+) : /.exec(line ?? '') ?? [];
  return { start: BigInt(`0x${start}`), end: BigInt(`0x${last}`) + 1n };
}

/** Kernel code to kernel bss. */
function kernelPlace(seen: Seen): { start: bigint; end: bigint } {
  return { start: region(seen, 'Kernel code').start, end: region(seen, 'Kernel bss').end };
}

describe('a kernel that cannot be moved, packed with xz', () => {
  it('runs where it was linked for, when scratch is there', async () => {
    const { seen } = await boot('not relocatable', { scratch: [{ size: '64MiB', addr: '16MiB' }] }, FIXED);
    expect(region(seen, 'Kernel code').start).toBe(0x1000000n);
  });

  it('is refused when scratch is elsewhere', async () => {
    const image = buildImage({ subtrees: SUBTREES });
    await expect(bootImage(image, { kernel: buildKernel(...FIXED) })).rejects.toThrow(
      /kernel 7.3.\d+ is not relocatable: scratch must hold 0x1000000-/,
    );
  });
});

describe('a kernel with KASLR, packed with zstd', () => {
  it('moves itself within scratch only, whatever place it draws', async () => {
    const starts = new Set<bigint>();
    for (let i = 0; i < 4; i++) {
      const spec: Spec = { ram: '1GiB', scratch: [{ size: '256MiB' }, { size: '64MiB', addr: '128MiB' }] };
      const { image, seen } = await boot(`KASLR, boot ${i + 1}`, spec, KASLR);
      const { start, end } = kernelPlace(seen);
      said.push(`    kernel at 0x${start.toString(16)}-0x${end.toString(16)}`);
      expect(start).toBeGreaterThan(0n);
      expect(isWithin(image.scratch, start, end)).toBe(true);
      starts.add(start);
    }
    expect(starts.size).toBeGreaterThan(1);
  });
});

describe('machines', () => {
  it.each<[string, Spec, string[]]>([
    ['6 GiB', { ram: '6GiB' }, PLAIN],
    [
      'holes in RAM, and memory above 4 GiB',
      {
        ram: [
          { start: 0, size: '636KiB' },
          { start: '1MiB', size: '200MiB' },
          { start: '256MiB', size: '300MiB' },
          { start: '4GiB', size: '512MiB' },
          { start: '5GiB', size: '1GiB' },
        ],
        place: { 'kexec-metadata': '5500MiB' },
      },
      PLAIN,
    ],
    ['two nodes', { ram: '4GiB', nodes: ['1GiB', '3GiB'], scratch: '64M,64M,32M' }, PLAIN],
    [
      'four nodes, scratch as the kernel sizes it',
      { ram: '8GiB', nodes: Array(4).fill('2GiB'), scratch: '200%' },
      PLAIN,
    ],
    [
      'arm64, two nodes',
      { target: { arch: 'arm64' }, ram: '3GiB', nodes: ['1GiB', '2GiB'], scratch: '128M,64M,32M' },
      ARM64,
    ],
  ])('%s', async (name, spec, kernel) => {
    const { image, seen } = await boot(name, spec, kernel);
    const nodes = image.nodes?.length ?? 1;
    expect(seen('/sys/devices/system/node/online')).toEqual([nodes === 1 ? '0' : `0-${nodes - 1}`]);
    if (typeof spec.scratch === 'string') expect(image.scratch).toHaveLength(2 + nodes);
  });

  it('have memory where the nodes say', () => {
    expect(codeOf(() => buildImage({ ram: '4GiB', nodes: ['1GiB', '1GiB'] }))).toBe('NODES_SIZE');
  });
});
