import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cpioArchive } from '../../src/guest/cpio.ts';
import { kselftestInitrd } from '../../src/kselftest/initrd.ts';
import { hostArch } from '../../src/toolchain/compiler.ts';
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

/** The header fields that the kernel reads (init/initramfs.c: parse_header(), 7.3). */
function entries(archive: Buffer): { name: string; mode: number; bytes: Buffer }[] {
  const found = [];
  for (let at = 0; ; ) {
    expect(archive.toString('latin1', at, at + 6)).toBe('070701');
    const field = (i: number) =>
      Number.parseInt(archive.toString('latin1', at + 6 + 8 * i, at + 14 + 8 * i), 16);
    const [mode, size, length] = [field(1), field(6), field(11)];
    const name = archive.toString('latin1', at + 110, at + 109 + length);
    const data = (at + 110 + length + 3) & ~3;
    if (name === 'TRAILER!!!') return found;
    found.push({ name, mode, bytes: archive.subarray(data, data + size) });
    at = (data + size + 3) & ~3;
  }
}

describe('the initrd of a kselftest', () => {
  it('is an archive as the kernel unpacks it', () => {
    const bytes = Buffer.from('odd');
    const found = entries(
      cpioArchive([{ path: 'dev' }, { path: 'init', bytes }, { path: 'dev/x', bytes: Buffer.alloc(0) }]),
    );
    expect(found.map(({ name, mode, bytes: { length } }) => [name, mode.toString(8), length])).toEqual([
      ['dev', '40755', 0],
      ['init', '100755', 3],
      ['dev/x', '100755', 0],
    ]);
    expect(found[1]?.bytes.toString()).toBe('odd');
  });

  it('holds init, program and arguments, and nothing else', () => {
    const test = staticProgram();
    const found = entries(kselftestInitrd({ test, args: ['-s', '2'], arch: hostArch() }));
    expect(found.map(({ name }) => name)).toEqual(['dev', 'proc', 'sys', 'tmp', 'init', 'test', 'arguments']);
    expect(found.find(({ name }) => name === 'test')?.bytes.equals(readFileSync(test))).toBe(true);
    expect(found.find(({ name }) => name === 'arguments')?.bytes.toString()).toBe('-s\n2\n');
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
    expect(codeOf(() => kselftestInitrd({ test, args: ['a\nb'], arch }))).toBe('TEST_UNUSABLE');
    expect(codeOf(() => kselftestInitrd({ test: 'nowhere', args: [], arch }))).toBe('FILE_UNREADABLE');
    expect(codeOf(() => kselftestInitrd({ test, args: [], arch, cc: 'no-such-compiler' }))).toBe(
      'COMPILER_MISSING',
    );
  });
});
