import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SRC = join(ROOT, 'src');

/** Where an architecture may be named: its own folder, and the list that everything else is made of. */
const isOwn = (path: string) => path.startsWith('arch/') || path === 'abi/arch.ts';

/** The code of a line: what people read may name an architecture. */
const codeOf = (line: string) => line.replace(/^\s*(?:\/\/|\/?\*).*$|\s\/\/ .*$/, '');

/** Of these each architecture has its own: questions of one of them, tables of them, their numbers in ELF files. */
const SPECIAL = [
  /[!=]==? '(?:x86_64|arm64)'|case '(?:x86_64|arm64)'/,
  /\b(?:x86_64|arm64): |Record<Arch\b/,
  /'x86_64', 'arm64'/,
  /(?<!\b(?:u16|error)\()\b(?:62|183|0x3e|0xb7)\b/,
];

it('nothing outside src/arch depends on which architecture it is', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  const found = files
    .filter((path) => !isOwn(path))
    .flatMap((path) => {
      const lines = readFileSync(join(SRC, path), 'utf8').split('\n');
      return lines.flatMap((line, i) =>
        SPECIAL.some((special) => special.test(codeOf(line))) ? [`${path}:${i + 1}: ${line.trim()}`] : [],
      );
    });
  expect(found).toEqual([]);
});

/** tsc reads all of src, which takes seconds. */
const PATIENCE = 120_000;

it('another architecture is missing in src/arch, and nowhere else, until all is said of it', {
  timeout: PATIENCE,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'khoforge-riscv64-'));
  try {
    cpSync(SRC, join(folder, 'src'), { recursive: true });
    for (const name of ['package.json', 'tsconfig.json']) cpSync(join(ROOT, name), join(folder, name));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const list = join(folder, 'src/abi/arch.ts');
    writeFileSync(
      list,
      readFileSync(list, 'utf8').replace("'arm64'] as const", "'arm64', 'riscv64'] as const"),
    );
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [tsc, '--noEmit', '-p', folder], {
      cwd: folder,
      encoding: 'utf8',
    });
    const errors = stdout.split('\n').filter((line) => line.includes(': error TS'));
    expect(errors.map((line) => line.split('(')[0])).toEqual([
      'src/abi/arch.ts',
      'src/arch/architectures.ts',
    ]);
    for (const error of errors) expect(error).toContain("Property 'riscv64' is missing");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
