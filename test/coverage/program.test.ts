import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { addressesIn, Coverage } from '../../src/coverage/coverage.ts';
import { type CoveredProgram, readProgram } from '../../src/coverage/program.ts';
import { coverageText } from '../../src/render/coverage.ts';
import { lcov } from '../../src/render/lcov.ts';
import { CORE, smallTree, traceOf } from './small-tree.ts';

let tree = '';
let vmlinux = '';
let program: CoveredProgram;

beforeAll(async () => {
  tree = smallTree();
  vmlinux = join(tree, 'vmlinux');
  program = await readProgram(vmlinux);
});

afterAll(() => rmSync(tree, { recursive: true }));

const linesOf = ({ files: [file] }: Pick<Coverage, 'files'>) =>
  Object.fromEntries([...(file?.boots ?? [])].sort(([a], [b]) => a - b));

describe('readProgram', () => {
  it('has the lines with code of what receives, also of what was inlined, and none of what preserves', () => {
    expect(program.files.map(({ path }) => path)).toEqual([CORE]);
    const [file] = program.files;
    const lines = [...(file?.lines.keys() ?? [])];
    expect(lines).toEqual(expect.arrayContaining([5, 10, 13]));
    expect(lines.filter((line) => line > 15)).toEqual([]);
    expect(file?.functions.map(({ name }) => name)).toEqual(['kho_get_fdt', 'kho_populate']);
  });

  it('asks for whole functions, since a block begins where the code around an inlined function does', () => {
    const symbols = execFileSync('nm', ['-S', vmlinux], { encoding: 'utf8' });
    const [, start = '', size = ''] = /^(\w+) (\w+) T kho_populate$/m.exec(symbols) ?? [];
    const first = BigInt(`0x${start}`);
    expect(program.ranges).toEqual([{ start: first, end: first + BigInt(`0x${size}`) }]);
  });

  it('refuses a program without a line table, and a tree that is not the kernel', async () => {
    const stripped = join(tree, 'stripped');
    execFileSync('strip', ['-o', stripped, vmlinux]);
    await expect(readProgram(stripped)).rejects.toMatchObject({ code: 'NO_LINE_TABLE' });
    await expect(readProgram(vmlinux, dirname(tree))).rejects.toMatchObject({ code: 'SOURCE_MISSING' });
    await expect(readProgram(join(tree, 'main.c'))).rejects.toMatchObject({ code: 'ELF_INVALID' });
  });
});

it('says where readelf comes from', async () => {
  vi.stubEnv('PATH', '/nonexistent');
  try {
    await expect(readProgram(vmlinux)).rejects.toMatchObject({
      code: 'READELF_MISSING',
      hint: 'apt-get install -y binutils',
    });
  } finally {
    vi.unstubAllEnvs();
  }
});

describe('Coverage', () => {
  const at = (line: number) => program.files[0]?.lines.get(line)?.slice(0, 1) ?? [];
  const addTo = (coverage: Coverage, addresses: readonly bigint[]) => {
    const path = join(tree, 'trace');
    writeFileSync(path, traceOf(addresses));
    coverage.add(addressesIn(path));
  };

  it('counts the boots that ran a line', () => {
    const coverage = new Coverage(program, '7.3');
    expect(new Set(Object.values(linesOf(coverage)))).toEqual(new Set([0]));
    addTo(coverage, [...at(10), ...at(13), ...at(10)]);
    addTo(coverage, [...at(10), 0xffffffff81000000n]);
    expect(linesOf(coverage)).toMatchObject({ 5: 0, 10: 2, 13: 1 });
  });

  it('says what was not run, to people and to lcov', () => {
    const coverage = new Coverage(program, '7.3');
    addTo(coverage, at(10));
    expect(coverageText(coverage.files).join('\n')).toMatch(new RegExp(`${CORE}:5 kho_get_fdt`));
    const tracefile = lcov(tree, coverage.files);
    expect(tracefile).toContain(`SF:${join(tree, CORE)}\n`);
    expect(tracefile).toMatch(/^FNDA:0,kho_get_fdt\nFNDA:1,kho_populate$/m);
    expect(tracefile).toMatch(/^DA:5,0\n(?:DA:\d+,\d+\n)*DA:10,1$/m);
  });

  it('sets apart what is out of reach, and says where that is wrong', () => {
    const coverage = new Coverage(program, '7.3');
    addTo(coverage, at(10));
    const reasons = new Map([
      [5, 'nobody calls it'],
      [10, 'nobody comes here'],
    ]);
    const lines = coverageText(coverage.files.map((file) => ({ ...file, reasons }))).join('\n');
    expect(lines).toContain(`Out of reach of a handover:\n  ${CORE}:5 kho_get_fdt: nobody calls it\n`);
    expect(lines).toContain(`Run, though it was said to be out of reach:\n  ${CORE}:10: nobody comes here`);
  });
});
