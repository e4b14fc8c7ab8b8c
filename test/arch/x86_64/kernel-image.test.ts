import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readKernelImage } from '../../../src/arch/x86_64/kernel-image.ts';
import { filesFolder } from '../../formats/core-writer.ts';
import { codeOf } from '../../thrown.ts';

const file = filesFolder();

/** A program that is linked where a kernel is, with the symbols that one has. */
function fakeVmlinux(name: string, banner: string): string {
  const output = file(name, new Uint8Array());
  const source = file(
    `${name}.c`,
    Buffer.from(
      `const char linux_banner[] = "${banner}"; char init_top_pgt[4096]; void _stext(void) {} int _start;`,
    ),
  );
  const place = ['-Wl,--build-id=sha1', '-Wl,--section-start=.note.gnu.build-id=0xffffffff81000000'];
  const kind = [
    '-nostdlib',
    '-static',
    '-no-pie',
    '-mcmodel=kernel',
    '-fno-pic',
    '-Wl,-Ttext-segment=0xffffffff81000000',
  ];
  execFileSync('gcc', [...kind, ...place, '-o', output, source]);
  return output;
}

describe('the image of a kernel', () => {
  const vmlinux = fakeVmlinux('vmlinux', 'Linux version 7.3.4-fake (a@b) #1');

  it('is what a boot loads, with its release and build ID', () => {
    const { loads, release, buildId, stext, initTopPgt } = readKernelImage(vmlinux);
    expect(release).toBe('7.3.4-fake');
    expect(buildId).toMatch(/^[0-9a-f]{40}$/);
    const isLoaded = (address: bigint) =>
      loads.some(({ virt, size }) => virt <= address && address < virt + size);
    expect([stext, initTopPgt].every(isLoaded)).toBe(true);
    expect(loads.every(({ bytes, size }) => BigInt(bytes.length) <= size)).toBe(true);
  });

  it.each<[string, (bytes: Buffer) => unknown, string]>([
    ['no ELF', (bytes) => bytes.write('text'), 'VMLINUX_INVALID'],
    ['of arm64', (bytes) => bytes.writeUInt16LE(183, 18), 'VMLINUX_INVALID'],
    ['without headers in the file', (bytes) => bytes.writeBigUInt64LE(1n << 60n, 32), 'ELF_INVALID'],
    ['of many headers', (bytes) => bytes.writeUInt16LE(60000, 56), 'VMLINUX_INVALID'],
    ['of a load beyond the file', (bytes) => bytes.writeBigUInt64LE(1n << 29n, 64 + 32), 'VMLINUX_INVALID'],
    ['of a huge load', (bytes) => bytes.writeBigUInt64LE(1n << 62n, 64 + 40), 'VMLINUX_INVALID'],
  ])('is refused when the file is %s', (name, change, code) => {
    const bytes = readFileSync(vmlinux);
    change(bytes);
    expect(codeOf(() => readKernelImage(file(name.replaceAll(' ', '-'), bytes)))).toBe(code);
  });

  it('is refused when the file is cut short anywhere in its headers', () => {
    const bytes = readFileSync(vmlinux);
    for (const length of [0, 3, 63, 100, 500]) {
      expect(codeOf(() => readKernelImage(file(`cut-${length}`, bytes.subarray(0, length))))).toMatch(
        /INVALID/,
      );
    }
  });

  it('is refused when the program is no kernel', () => {
    expect(codeOf(() => readKernelImage(fakeVmlinux('other', 'nothing')))).toBe('VMLINUX_INVALID');
    expect(codeOf(() => readKernelImage('/bin/true'))).toMatch(/INVALID/);
  });
});
