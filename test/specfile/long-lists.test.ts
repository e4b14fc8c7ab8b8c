import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadSpec } from '../../src/specfile/load.ts';
import { shorten } from '../../src/specfile/long-lists.ts';
import { errorOf } from '../thrown.ts';

const COUNT = 1200;
const patches = Array.from(
  { length: COUNT },
  (_, i) => `  - { addr: 0x${(i * 64).toString(16)}, bytes: "de ad" }`,
);
const before = ['ram: 1GiB   # RAM', 'patch:', '  # the patches'];
const after = ['', 'omit: [memory-map]', ''];

it('takes a long list of plain items out, and leaves the lines where they were', () => {
  const { text, lists } = shorten([...before, ...patches, ...after].join('\n'));
  expect(lists.get('patch')?.items).toHaveLength(COUNT);
  expect(lists.get('patch')?.items[3]).toEqual({ addr: 0xc0n, bytes: 'de ad' });
  expect(lists.get('patch')?.lines[0]).toBe(before.length + 1);
  expect(text.replaceAll(/\n+/g, '\n')).toBe('ram: 1GiB   # RAM\npatch: []\nomit: [memory-map]\n');
  expect(text.split('\n')).toHaveLength(before.length + COUNT + after.length);
});

it('names the line of a wrong item', () => {
  const folder = mkdtempSync(join(tmpdir(), 'khoforge-long-'));
  const file = join(folder, 'spec.yaml');
  const lines = [...before, ...patches, ...after];
  lines[900] = '  - { addr: 12x, bytes: "de ad" }';
  writeFileSync(file, lines.join('\n'));
  // Plain text has no digit first: such a list is left to the library, and its errors have lines as well.
  expect(errorOf(() => loadSpec(file)).message).toMatch(/spec\.yaml:901: patch\[897\]\.addr/);
  lines[900] = '  - { addr: far, bytes: "de ad" }';
  writeFileSync(file, lines.join('\n'));
  expect(errorOf(() => loadSpec(file)).message).toMatch(/spec\.yaml:901: patch\[897\]\.addr/);
  rmSync(folder, { recursive: true });
});

const scalar = fc.oneof(
  fc.constantFrom(
    '0',
    '007',
    '0x1F',
    '1e3',
    '-1',
    'null',
    'True',
    '~',
    'a-b',
    'yes',
    '.5',
    'x y',
    '"a, b: c"',
    "'it'",
    '""',
  ),
  fc.constantFrom(
    '"\\n"',
    "'it''s'",
    '[1]',
    '{ a: 1 }',
    '*a',
    '!t x',
    'a#b',
    'a #b',
    '"é"',
    'true1',
    '0o7',
    '1_0',
  ),
);
const pair = fc.tuple(fc.constantFrom('a', 'b', 'addr', 'A', '__proto__'), scalar);
const item = fc
  .tuple(fc.uniqueArray(pair, { selector: ([key]) => key, maxLength: 3 }), fc.constantFrom(', ', ',  '))
  .map(([pairs, comma]) => `- { ${pairs.map(([key, value]) => `${key}: ${value}`).join(comma)} }`);
const options = { intAsBigInt: true, logLevel: 'silent' } as const;

it('reads a list as the YAML library does, or not at all', () => {
  let taken = 0;
  fc.assert(
    fc.property(item, (line) => {
      // The library is asked for one: a list of them takes it as long as a thousand runs.
      const { lists } = shorten(`x:\n${Array(1001).fill(`${line}\n`).join('')}`);
      const items = lists.get('x')?.items;
      if (items === undefined) return;
      taken++;
      expect([items[0]]).toEqual(parse(line, options));
    }),
    { numRuns: 300 },
  );
  expect(taken).toBeGreaterThan(0);
});
