import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** The folders of src/ from top to bottom: a file imports from its own folder and from rows below it. */
const ROWS = [
  ['index.ts', 'cli'],
  ['background'],
  ['render'],
  ['fuzz', 'matrix'],
  ['simulator'],
  ['suite'],
  ['kselftest', 'bench', 'coverage'],
  ['first-kernel'],
  ['capture'],
  ['boot'],
  ['respec'],
  ['load'],
  ['receive'],
  ['produce'],
  ['profile'],
  ['source'],
  ['specfile'],
  ['users'],
  ['kernel', 'emit'],
  ['guest'],
  ['formats'],
  ['output'],
  ['toolchain'],
  ['arch'],
  ['btf'],
  ['fdt', 'elf'],
  ['model'],
  ['memory'],
  ['abi'],
  ['base'],
];

const SRC = fileURLToPath(new URL('../src/', import.meta.url));
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));

/** Each file's imports, of values and of types, and what it loads later: `import('./boot.ts')`. */
const imports = new Map(files.map((file) => [file, importsOf(file)]));

function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const named = text.matchAll(/\b(?:from|import|import\()\s*'(\.[^']+)'/g);
  return [...named].map(([, path = '']) => join(dirname(file), path));
}

/** What a user declares of its ABI is in its folder, and of the row of the ABI: the target has no other. */
const DECLARED = /^users\/[^/]+\/abi\.ts$/;
const folderOf = (file: string) => (DECLARED.test(file) ? 'abi' : (file.split('/')[0] ?? file));
const rowOf = (file: string) => ROWS.findIndex((row) => row.includes(folderOf(file)));

/** The nodes from which imports lead back to themselves. */
function circular(graph: ReadonlyMap<string, readonly string[]>): string[] {
  return [...graph.keys()].filter((start) => {
    const seen = new Set<string>();
    const left = [...(graph.get(start) ?? [])];
    for (let node = left.pop(); node !== undefined; node = left.pop()) {
      if (!seen.has(node)) left.push(...(graph.get(node) ?? []));
      seen.add(node);
    }
    return seen.has(start);
  });
}

/** What the folders within one row's folder import of each other, such as users/luo of users/memfd. */
function siblingImports(): Map<string, string[]> {
  const graph = new Map<string, string[]>();
  for (const [file, targets] of imports) {
    const from = dirname(file);
    const siblings = targets.map(dirname).filter((to) => to !== from && dirname(to) === dirname(from));
    if (from.includes('/')) graph.set(from, [...(graph.get(from) ?? []), ...siblings]);
  }
  return graph;
}

describe('the house', () => {
  it('has a row for each folder, and a folder for each name in a row', () => {
    expect(ROWS.flat().toSorted()).toEqual([...new Set(files.map(folderOf))].toSorted());
  });

  it('is described in CONTRIBUTING.md, row by row', () => {
    const text = readFileSync(join(SRC, '../CONTRIBUTING.md'), 'utf8');
    const [, rows = ''] = /\nsrc\/ .*\n((?: {2}\S.*\n)+)/.exec(text) ?? [];
    const named = rows
      .split('\n')
      .filter(Boolean)
      .map((row) => row.slice(2).split(/ {2,}/)[0]?.split(' ') ?? []);
    const bare = named.map((row) => row.map((name) => name.replace(/\/.*/, '')));
    expect(bare.map((row) => row.toSorted())).toEqual(ROWS.map((row) => row.toSorted()));
  });

  it('finds imports of all kinds', () => {
    const found = (file: string) => imports.get(file) ?? [];
    expect(found('cli/commands.ts')).toContain('cli/build.ts');
    expect(found('index.ts')).toContain('base/errors.ts');
    expect([...imports.values()].flat().filter((target) => !files.includes(target))).toEqual([]);
  });

  it('writes to a terminal in one place, where no text of an input passes as it is', () => {
    const writers = files.filter((file) => {
      const text = readFileSync(join(SRC, file), 'utf8');
      return /\bconsole\.(?:log|error|warn|info|table|dir)\b\(|process\.std(?:out|err)\.write/.test(text);
    });
    expect(writers.toSorted()).toEqual(['cli/print.ts', 'cli/progress.ts']);
  });

  it('has imports that go down, and no circle of files or folders', () => {
    const upward = [...imports].flatMap(([file, targets]) =>
      targets
        .filter((to) => folderOf(to) !== folderOf(file) && rowOf(to) <= rowOf(file))
        .map((to) => `${file} imports ${to}`),
    );
    const circles = [
      ...circular(imports).map((file) => `circle of files: ${file}`),
      ...circular(siblingImports()).map((folder) => `circle of folders: ${folder}`),
    ];
    expect([...upward, ...circles]).toEqual([]);
  });
});

describe('modules that test files share', () => {
  it('have no hook of their own: it would be that of the first file that loads them', () => {
    const TEST = fileURLToPath(new URL('.', import.meta.url));
    const shared = readdirSync(TEST, { recursive: true, encoding: 'utf8' }).filter(
      (path) => path.endsWith('.ts') && !path.endsWith('.test.ts'),
    );
    const hooked = shared.filter((path) =>
      /^(?:before|after)(?:Each|All)\(/m.test(readFileSync(join(TEST, path), 'utf8')),
    );
    expect(hooked).toEqual([]);
  });
});
