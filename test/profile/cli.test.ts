import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { profilePath } from '../../src/abi/profile.ts';
import { abiCommand } from '../../src/cli/abi.ts';
import { FakeTree } from './fake-tree.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'khoforge-cli-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  vi.restoreAllMocks();
});

/** Runs `khoforge abi …` in this process. */
async function run(...args: string[]): Promise<{ code: number | undefined; out: string }> {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line) => lines.push(String(line)));
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  let code: number | undefined;
  const program = new Command().exitOverride().addCommand(
    abiCommand((result) => {
      code = result;
    }),
  );
  await program.parseAsync(['abi', ...args], { from: 'user' });
  return { code, out: lines.join('\n') };
}

describe('abi show', () => {
  it('prints as pahole does', async () => {
    const { code, out } = await run('show', 'kho_kexec_metadata', '--release', '7.3', '--arch', 'x86_64');
    expect(code).toBe(0);
    expect(out.split('\n').map((line) => line.trim().replace(/ +/g, ' '))).toEqual([
      expect.stringMatching(
        /^struct kho_kexec_metadata \{ \/\* include\/linux\/kho\/abi\/kexec_metadata.h, 7.3/,
      ),
      'version; /* 0 4 */',
      'previous_release; /* 4 65 */',
      'kexec_count; /* 69 4 */',
      '',
      '/* size: 73, align: 1, holes: 0, padding: 0 */',
      '};',
    ]);
  });

  it('shows holes, padding and bits', async () => {
    const tree = new FakeTree({
      'include/linux/kho/abi/x.h':
        '#include <linux/types.h>\nstruct x { u16 a; u64 b; u64 c:4; u64 d:8; u16 e; };\n',
    });
    const { out } = await run('show', 'x', '--tree', tree.folder, '--arch', 'x86_64');
    tree.remove();
    expect(out).toContain('/* XXX 6 bytes hole */');
    expect(out.replace(/ +/g, ' ')).toContain('d:8; /* 16: 4 8 */');
    expect(out).toMatch(/size: 24, align: 8, holes: \d, padding: 4/);
  });

  it('lists without a name, suggests for a wrong one', async () => {
    expect((await run('show', '--arch', 'x86_64')).out).toMatch(/string +KHO_FDT_COMPATIBLE {2}'kho-v4'/);
    await expect(run('show', 'kho_vmaloc')).rejects.toMatchObject({
      code: 'ITEM_UNKNOWN',
      hint: /'kho_vmalloc'/,
    });
  });
});

describe('abi check', () => {
  it('compares with every profile that comes along', async () => {
    const { code, out } = await run('check');
    expect(code).toBe(0);
    expect(out.match(/^\d\.\d+ \w+ \d+K: \d+ match/gm)).toHaveLength(28);
  });

  it('gives the documented JSON', async () => {
    const { code, out } = await run('check', '--profile', profilePath('7.2', 'arm64', 65536), '--json');
    const { schema, results } = JSON.parse(out);
    expect([code, schema.name]).toEqual([0, 'khoforge-abi-check']);
    expect(results.find(({ item }: { item: string }) => item === 'kho_scratch.size')).toEqual({
      release: '7.2',
      arch: 'arm64',
      pageSize: 65536,
      item: 'kho_scratch.size',
      kind: 'field',
      header: 'include/linux/kexec_handover.h',
      status: 'match',
      expected: { offset: 8, size: 8 },
      actual: { offset: 8, size: 8 },
    });
  });

  it('names what differs, and fails', async () => {
    const profile = profilePath('7.1', 'x86_64', 4096);
    const { code, out } = await run('check', '--profile', profile, '--as', '7.2');
    expect(code).toBe(1);
    expect(out).toContain("mismatch KHO_FDT_COMPATIBLE: khoforge 'kho-v4', the source 'kho-v3'");
    expect(out).toContain('unknown luo_session_header_ser: size 8, align 1 (include/linux/kho/abi/luo.h)');
    expect(out).toMatch(/absent .*luo_ser/);
  });

  it('speaks KTAP', async () => {
    const tree = new FakeTree();
    const { code, out } = await run('check', '--tree', tree.folder, '--arch', 'x86_64', '--format', 'ktap');
    tree.remove();
    expect(code).toBe(0);
    expect(out).toContain('- KHO_FDT_COMPATIBLE\n');
    expect(out).toMatch(/ok \d+ - luo_ser # SKIP the source has no such item/);
    expect(out).toMatch(/^ok 1 - 7.3 x86_64 4K$/m);
  });

  it('says what it could not check when a compiler is missing', async () => {
    const tree = new FakeTree();
    const { code, out } = await run('check', '--tree', tree.folder, '--cc', 'no-such-cc');
    tree.remove();
    expect(code).toBe(3);
    expect(out).toContain("could-not-check *: cannot run the compiler 'no-such-cc'");
  });

  it.each([
    [['check', '--rev', 'v7.1'], /need --tree/],
    [['check', '--tree', '.', '--release', '7.3'], /exclude each other/],
    [['check', '--as', '9.9'], /expected one of 6.17/],
    [['check', '--profile', 'package.json', '--arch', 'x86_64', '--page-size', '16K'], /x86_64 has no pages/],
  ])('refuses %j', async (args, message) => {
    await expect(run(...args)).rejects.toThrow(message);
  });
});

describe('abi diff', () => {
  it('6.17 6.18 exits 1 and names the bitmap', async () => {
    const { code, out } = await run('diff', '6.17', '6.18', '--arch', 'all', '--page-size', 'all');
    expect(code).toBe(1);
    expect(out).toContain('KHO: changed PRESERVE_BITS: 4096 → 32768, KHO_FDT_COMPATIBLE is the same');
    expect(out).toContain('KHO: changed PRESERVE_BITS: 4096 → 524288, KHO_FDT_COMPATIBLE is the same');
    expect(out).toContain(
      'test_kho: changed kho_test:folios_info: size 8 → size 16, KHO_TEST_COMPAT is the same',
    );
  });

  it('speaks JSON and KTAP', async () => {
    const json = JSON.parse((await run('diff', '7.2', '7.3', '--format', 'json')).out);
    expect(json.exitCode).toBe(0);
    expect(json.comparisons[0].changes[0]).toMatchObject({ item: 'KHO_ORDER_0_LOG2', change: 'removed' });
    const { out } = await run('diff', '6.17', '6.18', '--format', 'ktap');
    expect(out).toMatch(/not ok \d+ - PRESERVE_BITS/);
    expect(out).toMatch(/^ {2}ok \d+ - kho_vmalloc$/m);
  });

  it('needs something in common', async () => {
    await expect(run('diff', profilePath('7.3', 'arm64', 4096), '7.3', '--arch', 'x86_64')).rejects.toThrow(
      /in common/,
    );
  });
});

describe('abi compat', () => {
  it('answers for a pair', async () => {
    expect((await run('compat', '7.2', '7.3')).code).toBe(0);
    const { code, out } = await run('compat', '6.17', '6.18');
    expect(code).toBe(1);
    expect(out).toContain('6.17  OK     CORR');
    expect(out).toContain("KHO: corrupts: both say 'kho-v1': PRESERVE_BITS 4096 → 32768");
  });

  it('takes page sizes', async () => {
    const { out } = await run('compat', '7.3:4K', '7.3:64K', '--arch', 'arm64', '--json');
    expect(JSON.parse(out).cells.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      'ok',
      'corrupts',
      'corrupts',
      'ok',
    ]);
  });
});

describe('abi profile', () => {
  it('writes what check reads', async () => {
    const tree = new FakeTree();
    const file = join(folder, 'mine.json');
    expect((await run('profile', '--tree', tree.folder, '--arch', 'x86_64', '-o', file)).code).toBe(0);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ version: '7.3.9-test', arch: 'x86_64' });
    expect((await run('check', '--profile', file)).code).toBe(0);
    expect((await run('diff', file, tree.folder, '--arch', 'x86_64')).out).toContain('the same');
    tree.remove();
  });
});

describe('abi lint', () => {
  it('tells file and line', async () => {
    const tree = new FakeTree();
    const { code, out } = await run('lint', '--tree', tree.folder, '--arch', 'x86_64');
    tree.remove();
    expect(code).toBe(1);
    expect(out).toContain("include/linux/kho/abi/kexec_handover.h:5: stale-comment: says 'kho-v3'");
  });
});
