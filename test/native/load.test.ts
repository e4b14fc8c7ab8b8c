import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

let directory = '';

beforeEach(() => {
  vi.resetModules();
  directory = mkdtempSync(join(tmpdir(), 'khoforge-load-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  rmSync(directory, { recursive: true });
});

/** Loads the addon anew, as the first call of a process does. */
async function load(): Promise<unknown> {
  const { native } = await import('../../src/memory/native.ts');
  return native();
}

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

describe('loading the addon', () => {
  it('takes the build in the package', async () => {
    expect(await load()).toHaveProperty('walkRadixTree');
  });

  it.each<[string, () => string, RegExp]>([
    ['a file that is not there', () => join(directory, 'none.node'), /none\.node: Cannot find module/],
    [
      'a file that is no library',
      () => file('text.node', 'hello'),
      /text\.node: .*(invalid ELF header|too short)/,
    ],
    [
      'an addon of other sources',
      () => file('old.cjs', 'module.exports = { interface: 0 };'),
      /other sources/,
    ],
  ])('%s: says what was tried and what to run', async (_name, path, text) => {
    vi.stubEnv('KHOFORGE_ADDON', path());
    await expect(load()).rejects.toMatchObject({
      code: 'ADDON_MISSING',
      exitCode: 3,
      message: expect.stringMatching(text),
      hint: expect.stringMatching(/npm run build:addon.*apt-get install cmake g\+\+ make/),
      where: { file: process.env.KHOFORGE_ADDON },
    });
  });

  it('does not touch the file when Node is too old, because that would crash', async () => {
    vi.stubEnv('KHOFORGE_ADDON', join(directory, 'none.node'));
    const versions = { ...process.versions, napi: '8' };
    vi.stubGlobal('process', Object.create(process, { versions: { value: versions } }));
    await expect(load()).rejects.toThrow(/none\.node: Node v.* has Node-API 8, below 9/);
  });
});
