import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { abiOf, RELEASES } from '../../src/abi/declared.ts';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => join('src', path));

/** Files that declare the ABI; only src/abi and each other may import values of them. */
const isDeclaration = (path: string) => /^src\/(abi\/declared\/[^/]+|users\/[^/]+\/abi)\.ts$/.test(path);
const mayImport = (path: string) => path.startsWith('src/abi/') || isDeclaration(path);

describe('the ABI is asked through the target', () => {
  it('and no other code imports what declares it', () => {
    expect(sources.filter(isDeclaration).length).toBeGreaterThan(5);
    const wrong = sources.filter((path) => {
      if (mayImport(path)) return false;
      const text = readFileSync(path, 'utf8');
      const imported = [...text.matchAll(/from '(\.[^']+)'/g)].map(([, to = '']) =>
        normalize(join(path, '..', to)),
      );
      return imported.some(isDeclaration);
    });
    expect(wrong).toEqual([]);
  });

  it('and no other code spells the value of a string of the ABI', () => {
    const values = RELEASES.flatMap((release) => abiOf(release, 'x86_64')).flatMap(({ strings = {} }) =>
      Object.entries(strings).filter(([name]) => /COMPAT|PROP_NAME$|HEADER$/.test(name)),
    );
    const spelled = new Set(values.map(([, value]) => `'${String(value)}'`));
    expect(spelled.size).toBeGreaterThan(10);
    const found = sources
      .filter((path) => !mayImport(path) && !path.startsWith('src/cli/'))
      .flatMap((path) => {
        const code = readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
        return [...spelled].filter((value) => code.includes(value)).map((value) => `${path}: ${value}`);
      });
    expect(found).toEqual([]);
  });
});
