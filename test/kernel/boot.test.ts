import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BootOptions, type BootResult, bootImage } from '../../src/boot/boot-image.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import type { Spec } from '../../src/specfile/schema.ts';
import { fileLine, khoInitrd } from './plans.ts';
import { buildKernel } from './receiver.ts';

let kernel: string;
const said: string[] = [];

beforeAll(() => {
  kernel = buildKernel();
});

// What the kernels said goes into the log of the run: it is the evidence.
afterAll(() => {
  console.log(said.join('\n'));
});

async function boot(name: string, spec: Spec, options: Partial<BootOptions> = {}): Promise<BootResult> {
  const result = await bootImage(buildImage(spec), { kernel, timeout: 90, ...options });
  said.push(`${name}: ${result.verdict} (${result.reason}), ${result.seconds} s`);
  said.push(...[...result.proofs, ...result.refusals].map((line) => `    ${line}`));
  return result;
}

const metadata = { 'kexec-metadata': { previous_release: '6.19.0-rc4-next-20260107', kexec_count: 41 } };
const test = { kho_test: { seed: 1, max_mem: '1MiB' } };
const good: Spec = { target: { release: '7.3' }, subtrees: [metadata, test] };

const FOUND = 'KHO: found kexec handover data.';
const METADATA = 'KHO: exec from: 6.19.0-rc4-next-20260107 (count 41)';
const RESTORED = 'test_kho: KHO restore succeeded';

/** A spec that expects these lines; the boot fails unless they are there, and none of `absent`. */
const expecting = (
  change: Spec,
  verdict: 'revived' | 'rejected' | 'ignored' | 'broken',
  lines: string[],
  absent: string[] = [],
): Spec => ({
  ...good,
  ...change,
  expect: { verdict, lines, absent },
});

function expectHeld(result: BootResult): void {
  expect(result.expected.filter(({ ok }) => !ok)).toEqual([]);
}

describe('a real 7.3 kernel revives', () => {
  it.each<[string, Spec]>([
    ['the metadata and the self-test of the kernel before', good],
    ['as much test data as the module makes by default', { ...good, subtrees: [metadata, { kho_test: {} }] }],
    [
      'folios of every order',
      {
        ...good,
        ram: '1GiB',
        subtrees: [metadata, { kho_test: { orders: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] } }],
      },
    ],
    [
      'a list of folios that takes more than one page',
      { ...good, subtrees: [metadata, { kho_test: { orders: Array(1500).fill(0) } }] },
    ],
    [
      'a handover in 6 GiB, partly above 4 GiB',
      {
        ...good,
        ram: '6GiB',
        place: { 'kho_test/folios[0]': '0x140000000', 'kexec-metadata': '0x150000000' },
      },
    ],
    [
      'scratch regions in any order, one of them empty',
      {
        ...good,
        scratch: [{ size: '32MiB', addr: '0x8000000' }, { size: 0 }, { size: '16MiB', addr: '0x4000000' }],
      },
    ],
    [
      'a range of pages that no order divides, beside everything else',
      {
        ...good,
        preserve: [{ name: 'odd', size: '12300KiB', addr: '0x3001000', content: { seed: 7, size: '1MiB' } }],
      },
    ],
  ])('%s', async (name, spec) => {
    const result = await boot(name, { ...spec, expect: { lines: [FOUND, METADATA, RESTORED] } });
    expectHeld(result);
    expect(result.verdict).toBe('revived');
  });

  it('and shows the blobs in debugfs with the bytes that we wrote', async () => {
    const blob = Buffer.from('a blob of our own\0');
    const spec: Spec = {
      ...good,
      subtrees: [metadata, test, { raw: { name: 'mine', content: { bytes: blob } } }],
    };
    const image = buildImage(spec);
    const result = await boot('with an initrd', spec, { initrd: khoInitrd() });
    const console_ = readFileSync(result.console, 'latin1');
    const root = image.memory.read(image.bootRecord.fdtAddr, 4096);
    const fdt = root.subarray(0, Buffer.from(root).readUInt32BE(4));
    for (const [file, bytes] of [
      ['in/fdt', fdt],
      ['in/sub_fdts/mine', blob],
    ] as const) {
      expect(console_).toContain(fileLine(file, bytes));
    }
    expect(console_).toContain('khoforge-init: done');
    expect(result.verdict).toBe('revived');
  });
});

describe('negative controls: a real 7.3 kernel says what is wrong', () => {
  it.each<[string, Spec]>([
    [
      'wrong compatible',
      expecting(
        { override: { 'root-fdt/compatible': 'kho-v9' } },
        'rejected',
        ["is incompatible with 'kho-v4': 1", 'KHO: disabling KHO revival'],
        [FOUND],
      ),
    ],
    [
      'memory map 0: never finalized',
      expecting({ finalized: false }, 'rejected', ['KHO: disabling KHO revival'], [FOUND]),
    ],
    [
      'no memory map',
      expecting(
        { override: { 'root-fdt/preserved-memory-map': null } },
        'rejected',
        ['KHO: failed to get preserved memory map'],
        [FOUND],
      ),
    ],
    [
      'no FDT magic',
      expecting({ override: { 'root-fdt/header/magic': 0 } }, 'rejected', ['is invalid: -9'], [FOUND]),
    ],
    [
      'metadata version 2',
      expecting(
        { override: { 'kexec-metadata/version': 2 } },
        'revived',
        ['KHO: kexec-metadata version 2 not supported (expected 1)', RESTORED],
        ['KHO: exec from'],
      ),
    ],
    [
      'metadata blob of 3 bytes',
      expecting(
        { override: { 'root-fdt/kexec-metadata/blob-size': 3 } },
        'revived',
        ['KHO: kexec-metadata blob too small (3 bytes)', RESTORED],
        ['KHO: exec from'],
      ),
    ],
    [
      'missing blob-size',
      expecting(
        { override: { 'root-fdt/kho_test/blob-size': null } },
        'revived',
        [
          "KHO: broken KHO subnode 'kho_test': missing or invalid blob-size property",
          'failed to retrieve kho_test FDT: -22',
        ],
        [RESTORED],
      ),
    ],
    [
      'test data that changed',
      expecting(
        { override: { 'kho_test/fdt/data/csum': 5 } },
        'broken',
        ['test_kho: KHO restore failed'],
        [RESTORED],
      ),
    ],
    [
      'a folio that is not preserved',
      expecting(
        { unpreserve: ['kho_test/folios[0]'] },
        'broken',
        ['at kho_restore_page', 'test_kho: KHO restore failed'],
        [RESTORED],
      ),
    ],
    ['a memory map of zeroes', expecting({ omit: ['memory-map'] }, 'ignored', [FOUND], [METADATA, RESTORED])],
    [
      'a boot record of another type',
      expecting({ override: { 'setup_data/type': 99 } }, 'ignored', [], ['KHO:']),
    ],
  ])('%s', async (name, spec) => {
    expectHeld(await boot(name, spec));
  });

  it('an older generation is refused', async () => {
    const spec = expecting(
      { target: { release: '7.1' } },
      'rejected',
      ["is incompatible with 'kho-v4': 1"],
      [FOUND],
    );
    expectHeld(await boot('kho-v3', spec));
  });

  it('a kernel without KHO says that it ignores the handover', async () => {
    const spec = expecting(
      {},
      'ignored',
      ['Passed KHO data, but CONFIG_KEXEC_HANDOVER not set. Ignoring.'],
      [FOUND],
    );
    expectHeld(await boot('without KHO', spec, { kernel: buildKernel('--without-kho') }));
  });
});

describe('a lean boot of a real 7.3 kernel comes to the same', () => {
  it.each<[string, Spec, boolean]>([
    ['revived', good, false],
    ['revived, with user space', good, true],
    ['refused', { ...good, override: { 'root-fdt/compatible': 'kho-v9' } }, false],
    ['dead', { ...good, override: { 'memory-map/nodes[0]/table[0]': '0xfffffffffffff000' } }, false],
  ])('%s', async (name, spec, user) => {
    const initrd = user ? { initrd: khoInitrd() } : {};
    const [plain, lean] = [await boot(name, spec, initrd), await boot(name, spec, { ...initrd, lean: true })];
    const told = ({ verdict, proofs, refusals, troubles }: BootResult) => ({
      verdict,
      proofs,
      refusals,
      troubles: troubles.map((trouble) => trouble.name),
    });
    expect(told(lean)).toEqual(told(plain));
    const text = readFileSync(lean.console, 'latin1');
    expect(text).toContain(' nolapic_timer');
    // What unpacks a kernel puts it where its file was loaded; the map of memory is the same.
    const map = (log: string) => log.match(/BIOS-e820: .*|node +0: .*|Memory: .* available/g);
    expect(map(text)).toEqual(map(readFileSync(plain.console, 'latin1')));
  });
});
