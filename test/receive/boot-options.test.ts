import { describe, expect, it } from 'vitest';
import { buildImage } from '../../src/produce/build-image.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import type { Spec } from '../../src/specfile/schema.ts';

const spec: Spec = {
  target: { release: '7.3' },
  subtrees: [
    { reserve_mem: [{ name: 'trace', size: '1MiB' }] },
    { kho_test: { seed: 1, max_mem: '64KiB' } },
    {
      luo: {
        sessions: [{ name: 's', files: [{ token: 1, memfd: { content: { zero: '64KiB' }, order: 2 } }] }],
      },
    },
  ],
};
const image = buildImage(spec);
const verify = (options: { cmdline?: string; config?: string }) => verifyImage(image, options);

// What command lines make of handovers the catalogue has, as real kernels did it (catalogue.test.ts).
describe('a command line', () => {
  it('that asks for a region has its lines, which one that nobody knows has not', () => {
    const line = "Revived memory reservation 'trace' from KHO";
    expect(verify({ cmdline: 'reserve_mem=1M:4096:trace' }).console).toContain(line);
    expect(verify({}).console).not.toContain(line);
    expect(verify({ cmdline: '' }).console).not.toContain(line);
  });

  it.each([
    ['reserve_mem=1M:4096:', 'reserve_mem: empty or malformed parameter'],
    ['reserve_mem=1M:4096:name-of-16-bytes', 'reserve_mem: empty or malformed parameter'],
    ['reserve_mem=1M:4096:trace reserve_mem=1M:64:trace', 'reserve_mem: name "trace" was already used'],
    ['kho_scratch=150%', 'KHO: scratch scale is 150%'],
  ])('%s: %s', (cmdline, line) => {
    expect(verify({ cmdline }).console).toContain(line);
  });

  it('is read where nothing is taken over, and where KHO is off LUO says so', () => {
    const refused = buildImage({ ...spec, override: { 'root-fdt/compatible': 'kho-v9' } });
    const off = 'luo: Disabling liveupdate because KHO is disabled';
    const said = (cmdline: string) => verifyImage(refused, { cmdline }).console;
    expect(said('liveupdate=on')).not.toContain(off);
    expect(said('kho=off')).not.toContain(off);
    expect(said('kho=off liveupdate=on kho_scratch=150%').slice(-2)).toEqual([
      'KHO: scratch scale is 150%',
      off,
    ]);
    const long = buildImage({ ...spec, override: { 'setup_data/len': 2 ** 31 - 1 } });
    expect(verifyImage(long, { cmdline: 'liveupdate=on' }).console.at(-1)).toBe(off);
    expect(verifyImage(long, { cmdline: 'kho=off' }).console.join()).not.toContain('scratch');
  });

  it('without liveupdate=on has no program that retrieves files', () => {
    const checks = (cmdline: string) => verify({ cmdline }).findings.map(({ check }) => check);
    expect(checks('liveupdate=on')).toContain('memfd-large-folio');
    expect(checks('')).not.toContain('memfd-large-folio');
  });
});

describe('a configuration', () => {
  const ALL = ['', '_DEBUGFS'].map((end) => `CONFIG_KEXEC_HANDOVER${end}=y`);
  const config = (...options: string[]) => [...ALL, ...options.map((one) => `CONFIG_${one}=y`)].join('\n');

  it('without KHO says so', () => {
    const line = 'Passed KHO data, but CONFIG_KEXEC_HANDOVER not set. Ignoring.';
    const text = '# CONFIG_KEXEC_HANDOVER is not set\n';
    expect(verify({ config: text })).toMatchObject({ verdict: 'ignored', console: [line] });
  });

  it('without an option asks for no subtree of its user', () => {
    const { console, findings } = verify({ config: config('LIVEUPDATE') });
    expect(console.filter((line) => line.startsWith('test_kho'))).toEqual([]);
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'subtree-unknown', where: 'root-fdt/kho_test' }),
    );
    expect(verify({ config: config('TEST_KEXEC_HANDOVER') }).console.join()).not.toContain('luo:');
  });

  it('with large pages takes a memfd that has them, and without them none', () => {
    const of = (...options: string[]) =>
      verify({ config: config('LIVEUPDATE', ...options) }).findings.filter(
        ({ check }) => check === 'memfd-large-folio',
      );
    expect(of('TRANSPARENT_HUGEPAGE')).toEqual([]);
    expect(of()).toMatchObject([{ severity: 'error' }]);
  });
});
