import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBtf } from '../../src/btf/btf.ts';
import { profileBtf } from '../../src/profile/btf.ts';
import { btfCombination } from '../../src/profile/btf-target.ts';
import { checkExitCode, checkProfile } from '../../src/profile/check.ts';
import { checkBtfAlone, checkRoutes } from '../../src/profile/routes.ts';
import { profileTree } from '../../src/profile/tree.ts';
import { khoforge } from '../cli/run.ts';
import { buildKernel, sourceOf } from './receiver.ts';

let vmlinux: string;
let tree: string;

beforeAll(() => {
  tree = `${sourceOf('7.3')}/linux`;
  vmlinux = join(dirname(buildKernel('--host')), 'vmlinux');
});

describe('headers of 7.3 by the shim, and the BTF of a kernel built from them', () => {
  it('agree on every structure that both tell of', () => {
    const btf = openBtf(vmlinux);
    const combination = btfCombination(btf, vmlinux);
    expect([btf.release, combination]).toEqual(['7.3', { arch: 'x86_64', pageSize: 4096 }]);
    const headers = profileTree({ ...combination, tree, source: '' });
    const wanted = headers.items;
    const results = checkRoutes(
      headers,
      profileBtf(btf, { ...combination, release: '7.3', file: vmlinux, wanted }),
    );
    expect(results.filter(({ status }) => status !== 'match' && status !== 'absent')).toEqual([]);
    const told = new Set(results.filter((result) => result.btf !== undefined).map(({ item }) => item));
    console.log(`both routes tell of ${told.size} items: ${[...told].join(', ')}`);
    // Every structure of the release's, and the constants of the radix tree.
    const missing = checkProfile(headers).filter(
      ({ item, kind }) => (kind === 'struct' || kind === 'field') && !told.has(item),
    );
    expect(missing).toEqual([]);
    expect([...told]).toEqual(
      expect.arrayContaining([
        'KHO_TREE_MAX_DEPTH',
        'KHO_RADIX_KEY_WIDTH',
        'kho_block_header_ser',
        'luo_ser',
        'kho_data',
      ]),
    );
  });

  it('BTF alone holds what khoforge has', () => {
    const results = checkBtfAlone(openBtf(vmlinux), { arch: 'x86_64', pageSize: 4096, file: vmlinux });
    expect(results.filter(({ status }) => status === 'match').length).toBeGreaterThan(70);
    expect(checkExitCode(results)).toBe(0);
  });

  it('at the command line', () => {
    const { code, stdout } = khoforge(['abi', 'check', '--tree', tree, '--btf', vmlinux]);
    console.log(stdout);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^7\.3 x86_64 4K: \d+ match; BTF has \d+ of these items too$/m);
  });
});
