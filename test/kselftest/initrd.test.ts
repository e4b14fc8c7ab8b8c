import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { kselftestInitrd } from '../../src/kselftest/initrd.ts';
import { hostArch } from '../../src/toolchain/compiler.ts';
import { archiveEntries } from '../guest/archive.ts';
import { codeOf } from '../thrown.ts';

const folder = mkdtempSync(join(tmpdir(), 'khoforge-initrd-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A static program that does nothing. */
function staticProgram(): string {
  const path = join(folder, 'true');
  writeFileSync(`${path}.c`, 'int main(void) { return 0; }\n');
  execFileSync('gcc', ['-static', '-o', path, `${path}.c`]);
  return path;
}

describe('the initrd of a kselftest', () => {
  it('holds init, program and plan, and nothing else', () => {
    const test = staticProgram();
    const found = archiveEntries(kselftestInitrd({ test, args: ['-s', 'a b'], arch: hostArch() }));
    expect(found.map(({ name }) => name)).toEqual(['dev', 'proc', 'sys', 'tmp', 'init', 'plan', 'test']);
    expect(found.find(({ name }) => name === 'test')?.bytes.equals(readFileSync(test))).toBe(true);
    const plan = found.find(({ name }) => name === 'plan')?.bytes.toString();
    expect(plan).toBe('run /test -s a\\x20b\n');
    expect(found.find(({ name }) => name === 'init')?.bytes.length).toBeGreaterThan(10_000);
    expect(statSync(test).size).toBeGreaterThan(10_000);
  });

  it('refuses what cannot run there', () => {
    const test = staticProgram();
    const other = hostArch() === 'x86_64' ? 'arm64' : 'x86_64';
    const arch = hostArch();
    expect(codeOf(() => kselftestInitrd({ test: process.execPath, args: [], arch }))).toBe('TEST_UNUSABLE');
    expect(codeOf(() => kselftestInitrd({ test: `${test}.c`, args: [], arch }))).toBe('TEST_UNUSABLE');
    expect(codeOf(() => kselftestInitrd({ test, args: [], arch: other }))).toBe('TEST_UNUSABLE');
    expect(codeOf(() => kselftestInitrd({ test, args: ['a\0b'], arch }))).toBe('TEST_UNUSABLE');
    expect(codeOf(() => kselftestInitrd({ test: 'nowhere', args: [], arch }))).toBe('FILE_UNREADABLE');
    expect(codeOf(() => kselftestInitrd({ test, args: [], arch, cc: 'no-such-compiler' }))).toBe(
      'COMPILER_MISSING',
    );
  });
});
