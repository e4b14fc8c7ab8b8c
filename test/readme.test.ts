import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildLoaded } from '../src/produce/build-image.ts';
import { loadSpec } from '../src/specfile/load.ts';
import { readmeSession, readmeSpecs, runAsReader, withoutAccidents } from './readme.ts';

describe('the session in the README', () => {
  const steps = readmeSession();

  it('is there', () => {
    expect(steps.map(({ command }) => command.split(' ')[2])).toEqual(['build', 'boot']);
  });

  it.each(steps.filter(({ command }) => !command.includes('--kernel')))('$command', ({ command, output }) => {
    expect(withoutAccidents(runAsReader(command))).toBe(withoutAccidents(output));
  });
});

describe('the specs in the README', () => {
  const specs = readmeSpecs();

  it('are there', () => expect(specs.length).toBe(2));

  it.each(specs.map((text, i) => [i, text] as const))('are built as they stand: %i', (_i, text) => {
    const folder = mkdtempSync(join(tmpdir(), 'khoforge-readme-'));
    const path = join(folder, 'spec.yaml');
    writeFileSync(path, text);
    for (const name of ['guest.bin', 'state.bin']) writeFileSync(join(folder, name), 'contents');
    try {
      expect(buildLoaded(loadSpec(path), {}).unusedAllows).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

it.each([
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync('docs').map((name) => `docs/${name}`),
])('%s has links to files that are there', (name) => {
  const links = [...readFileSync(name, 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)];
  expect(links.map(([, path = '']) => path).filter((path) => !existsSync(join(dirname(name), path)))).toEqual(
    [],
  );
});
