import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { ExitCode } from '../../src/base/errors.ts';
import { verifyCommand } from '../../src/cli/verify.ts';
import { writeImageDirectory } from '../../src/formats/directory.ts';
import { buildImage } from '../../src/produce/build-image.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-verify-'));
afterAll(() => rmSync(folder, { recursive: true }));

function spec(name: string, more: string): string {
  const path = join(folder, `${name}.yaml`);
  const metadata = '{ kexec-metadata: { previous_release: "7.3.4", kexec_count: 41 } }';
  writeFileSync(path, `target: { release: "7.3" }\nsubtrees: [${metadata}, kho_test: {}]\n${more}\n`);
  return path;
}

const good = spec('good', '');
const old = spec('old', 'override: { root-fdt/compatible: kho-v3 }');
const refused = spec('refused', 'override: { kexec-metadata/version: 2 }');

async function run(...args: string[]): Promise<{ code: ExitCode | undefined; out: string }> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  let parts = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text, ...rest) => {
    parts += String(text);
    for (const done of rest) if (typeof done === 'function') done();
    return true;
  });
  let code: ExitCode | undefined;
  try {
    const command = verifyCommand((result) => {
      code = result;
    });
    await command.exitOverride().parseAsync(args, { from: 'user' });
    return { code, out: log.mock.calls.map((call) => call.join(' ')).join('\n') + parts };
  } finally {
    log.mockRestore();
    write.mockRestore();
  }
}

describe('khoforge verify', () => {
  it('looks at a root FDT alone, as far as that goes', async () => {
    for (const [release, verdict] of [
      ['7.3', 'revived (the kernel revives it, as far as its root FDT tells)'],
      ['7.1', 'rejected (the kernel refuses it, and says so, as far as its root FDT tells)'],
    ]) {
      const image = buildImage({ target: { release: '7.3' }, subtrees: [{ kho_test: {} }] });
      const directory = join(folder, 'image');
      writeImageDirectory(image, directory);
      const { code, out } = await run(join(directory, 'kho.dtb'), '--receiver', `${release}`);
      expect(out.split('\n')[0]).toBe(`${join(directory, 'kho.dtb')}, received by ${release}: ${verdict}`);
      expect(out).toContain('note: fdt-alone:');
      expect(code).toBe(release === '7.3' ? 0 : 1);
    }
  });

  it('says that a good image is revived', async () => {
    const { code, out } = await run(good);
    expect(out).toBe(
      [
        `${good}, received by 7.3: revived (the kernel revives it)`,
        'the kernel prints:',
        '    > KHO: found kexec handover data.',
        '    > KHO: exec from: 7.3.4 (count 41)',
        '    > test_kho: KHO restore succeeded',
        'errors: 0, warnings: 0, notes: 0',
      ].join('\n'),
    );
    expect(code).toBe(0);
  });

  it('says what the kernel refuses, in its words', async () => {
    const { code, out } = await run(old);
    expect(code).toBe(1);
    expect(out).toContain(`${old}, received by 7.3: rejected (the kernel refuses it, and says so)`);
    expect(out).toContain("error: fdt-compatible: root-fdt: compatible is 'kho-v3', 7.3 wants 'kho-v4'");
    expect(out).toContain("  kernel: KHO: setup: handover FDT (0x200000) is incompatible with 'kho-v4': 1");
  });

  it('takes a receiver', async () => {
    expect((await run(old, '--receiver', '7.1')).code).toBe(0);
    await expect(run(good, '--receiver', 'kho-v9')).rejects.toMatchObject({
      code: 'RECEIVER_UNKNOWN',
      exitCode: 2,
    });
  });

  it('fails for an error in an image that is revived, unless it is demoted', async () => {
    expect((await run(refused)).code).toBe(1);
    expect((await run(refused, '-W', 'kexec-metadata-version')).code).toBe(0);
    expect((await run(refused, '-N', 'kexec-metadata-version', '-E', 'kexec-metadata-version')).code).toBe(1);
    await expect(run(refused, '-W', 'kexec-metadata')).rejects.toMatchObject({
      code: 'CHECK_UNKNOWN',
      exitCode: 2,
    });
  });

  it('gives JSON', async () => {
    const { out } = await run(refused, '--json');
    expect(JSON.parse(out)).toMatchObject({
      schema: { name: 'khoforge-verify', version: 1 },
      source: refused,
      receiver: '7.3',
      verdict: 'revived',
      certain: true,
      findings: [
        {
          check: 'kexec-metadata-version',
          severity: 'error',
          where: 'kexec-metadata',
          kernel: 'KHO: kexec-metadata version 2 not supported (expected 1)',
          errno: null,
        },
      ],
    });
  });

  it('gives KTAP', async () => {
    const { out } = await run(refused, '--format', 'ktap');
    const lines = out.split('\n').filter((line) => !line.startsWith('#'));
    expect(lines).toEqual([
      'KTAP version 1',
      '1..2',
      'ok 1 - revived by 7.3',
      'not ok 2 - kexec-metadata-version',
    ]);
  });
});
