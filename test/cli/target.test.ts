import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { profilePath } from '../../src/abi/profile.ts';
import { khoforge } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-target-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SPEC = 'examples/quickstart.yaml';
const known = profilePath('7.3', 'x86_64', 4096);
const profile = join(folder, 'kho-v5.json');
writeFileSync(profile, readFileSync(known, 'utf8').replace('"kho-v4"', '"kho-v5"'));

describe('--target', () => {
  it('builds for it, tells what is new, and leaves an image that needs no more telling', () => {
    const directory = join(folder, 'image');
    const built = khoforge(['build', SPEC, '-o', directory, '--target', profile]);
    expect(built).toMatchObject({
      code: 0,
      stderr: "note: kho-v5: KHO_FDT_COMPATIBLE: 'kho-v5'; in 7.3 'kho-v4'\n",
    });
    const { stdout } = khoforge(['inspect', directory, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ generation: 'kho-v5', problems: [] });
    expect(khoforge(['verify', directory])).toMatchObject({ code: 0, stderr: '' });
    expect(khoforge(['verify', directory, '--receiver', '7.3']).code).toBe(1);
    const refused = khoforge(['boot', directory, '--target', profile, '--kernel', 'none']);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('an image for a target of its own'),
    });
  });

  it('is the receiver of an image that is for another kernel', () => {
    const directory = join(folder, 'image-7.3');
    expect(khoforge(['build', SPEC, '-o', directory]).code).toBe(0);
    const { code, stdout } = khoforge(['verify', directory, '--target', profile, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ receiver: 'kho-v5', verdict: 'rejected' });
    expect(khoforge(['verify', directory, '--target', known]).code).toBe(0);
  });

  it('finds the handover of such a kernel in a dump, for each command that reads one', () => {
    // Nothing of a release's is left by which it could be known.
    const own = join(folder, 'own.json');
    const text = readFileSync(known, 'utf8').replace('"kho-v4"', '"own-v7"');
    writeFileSync(own, text.replace('"preserved-memory-map"', '"kept-map"'));
    const [directory, core, taken] = ['own', 'own.core', 'own-taken'].map((name) => join(folder, name));
    const run = (...args: string[]) => khoforge(args);
    expect(run('build', SPEC, '-o', directory ?? '', '--target', own).code).toBe(0);
    expect(run('build', directory ?? '', '-o', core ?? '', '--format', 'core').code).toBe(0);
    const lost = run('inspect', core ?? '');
    expect(lost).toMatchObject({ code: 2, stderr: expect.stringContaining('--target or --target-tree') });
    const { stdout } = run('inspect', core ?? '', '--json', '--target', own);
    expect(JSON.parse(stdout)).toMatchObject({ generation: 'own-v7', problems: [] });
    expect(run('diff', core ?? '', directory ?? '', '--target', own).code).toBe(0);
    expect(run('capture', core ?? '', '-o', taken ?? '', '--with-contents', '--target', own).code).toBe(0);
    expect(run('verify', taken ?? '').code).toBe(0);
  });

  it.each([
    [['--target', 'no.json'], 'no.json'],
    [['--target', SPEC], 'is no ABI profile'],
    [['--target', profile, '--target-tree', '.'], 'exclude each other'],
    [['--target-tree', folder], folder],
    [['--target', profilePath('7.3', 'arm64', 16384)], 'arm64, pages of 16384 bytes, the image for x86_64'],
  ])('refuses %j with a reason', (options, reason) => {
    const spec = join(folder, 'x86.yaml');
    writeFileSync(spec, 'target: { arch: x86_64 }\nsubtrees: [{ kho_test: {} }]\n');
    const { code, stderr } = khoforge(['build', spec, '-o', join(folder, 'none'), ...options]);
    expect(code).toBe(2);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain('    at ');
  });

  it('excludes --receiver', () => {
    const { code, stderr } = khoforge(['verify', SPEC, '--target', profile, '--receiver', '7.3']);
    expect(code).toBe(2);
    expect(stderr).toContain('--receiver is a release');
  });
});
