import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const facts = readFileSync(join(ROOT, 'docs/kho-facts.md'), 'utf8');
/** Rows, and sections as a whole. */
const numbers = new Set([...facts.matchAll(/^(?:\| |#+ )(\d+(?:\.\d+)*)[. ]/gm)].map(([, number]) => number));

it('has every row that a comment or a test cites', () => {
  const files = ['src', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  );
  const cited = files
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      const citations = text.matchAll(/([\d., and]+) of docs\/kho-facts\.md/g);
      return [...citations].flatMap(([, list = '']) => list.match(/\d+(?:\.\d+)*/g) ?? []);
    });
  expect(cited.length).toBeGreaterThan(20);
  expect(cited.filter((number) => !numbers.has(number))).toEqual([]);
});
