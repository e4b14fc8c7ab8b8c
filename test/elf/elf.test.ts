import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBtf, readBtf } from '../../src/btf/btf.ts';
import { fixture } from '../btf/compiler.ts';
import { encodeBtf, LONG } from '../btf/encode.ts';

const good = fixture('x86_64.o');
/** Fields of the ELF header (elf(5)). */
const sectionHeaders = Number(good.readBigUInt64LE(40));
const count = good.readUInt16LE(60);
const namesIndex = good.readUInt16LE(62);
const header = (index: number): number => sectionHeaders + index * 64;
const btfOffset = good.indexOf(Buffer.from([0x9f, 0xeb, 1, 0]));
const btfIndex = Array.from({ length: count }, (_, index) => index).findIndex(
  (index) =>
    Number(good.readBigUInt64LE(header(index) + 24)) === btfOffset &&
    good.readUInt32LE(header(index) + 4) === 1,
);

function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(good);
  change(bytes);
  return bytes;
}

describe('an ELF file', () => {
  it.each<[string, string, RegExp, (bytes: Buffer) => void]>([
    ['of 32 bits', 'ELF_INVALID', /ELF class 1/, (bytes) => bytes.writeUInt8(1, 4)],
    ['of no byte order', 'ELF_INVALID', /ELF byte order 3/, (bytes) => bytes.writeUInt8(3, 5)],
    ['without sections', 'ELF_INVALID', /no section headers/, (bytes) => bytes.writeBigUInt64LE(0n, 40)],
    [
      'with its sections beyond the end',
      'ELF_INVALID',
      /section header 0, 64 bytes at 1099511627776, ends after/,
      (bytes) => bytes.writeBigUInt64LE(1n << 40n, 40),
    ],
    [
      'with its sections beyond all bounds',
      'ELF_INVALID',
      /e_shoff is 18446744073709551615/,
      (bytes) => bytes.writeBigUInt64LE((1n << 64n) - 1n, 40),
    ],
    [
      'with odd section headers',
      'ELF_INVALID',
      /section headers of 40 bytes/,
      (bytes) => bytes.writeUInt16LE(40, 58),
    ],
    [
      'with names nowhere',
      'ELF_INVALID',
      /section names in section 999/,
      (bytes) => bytes.writeUInt16LE(999, 62),
    ],
    [
      'with too many sections',
      'ELF_INVALID',
      /1099511627776 sections/,
      (bytes) => {
        bytes.writeUInt16LE(0, 60);
        bytes.writeBigUInt64LE(1n << 40n, header(0) + 32);
      },
    ],
    [
      'whose BTF is beyond the end',
      'ELF_INVALID',
      /section .BTF, \d+ bytes at 4294967296, ends after/,
      (bytes) => bytes.writeBigUInt64LE(1n << 32n, header(btfIndex) + 24),
    ],
    [
      'whose BTF was taken out',
      'ELF_INVALID',
      /section .BTF has no bytes in this file/,
      (bytes) => bytes.writeUInt32LE(8, header(btfIndex) + 4),
    ],
    [
      'whose BTF is compressed',
      'ELF_INVALID',
      /section .BTF is compressed/,
      (bytes) => bytes.writeBigUInt64LE(0x800n, header(btfIndex) + 8),
    ],
    [
      'without BTF',
      'BTF_MISSING',
      /no .BTF section/,
      (bytes) => bytes.write('.BTX\0', bytes.indexOf('.BTF\0')),
    ],
    [
      'whose BTF is of the other byte order',
      'BTF_INVALID',
      /BTF magic 0x9feb/,
      (bytes) => bytes.writeUInt16BE(0xeb9f, btfOffset),
    ],
  ])('%s', (_, code, expected, change) => {
    const read = () => readBtf(changed(change), 'vmlinux');
    expect(read).toThrow(expect.objectContaining({ code }));
    expect(read).toThrow(expected);
  });

  it('says how to get BTF', () => {
    const without = changed((bytes) => bytes.write('.BTX\0', bytes.indexOf('.BTF\0')));
    expect(() => readBtf(without)).toThrow(
      expect.objectContaining({
        hint: 'build with CONFIG_DEBUG_INFO_BTF=y and pahole installed',
        exitCode: 3,
      }),
    );
  });

  it('may keep its numbers of sections in section header 0', () => {
    const extended = changed((bytes) => {
      bytes.writeUInt16LE(0, 60);
      bytes.writeBigUInt64LE(BigInt(count), header(0) + 32);
      bytes.writeUInt16LE(0xffff, 62);
      bytes.writeUInt32LE(namesIndex, header(0) + 40);
    });
    expect(readBtf(extended).structLayout('luo_like')).toEqual(readBtf(good).structLayout('luo_like'));
  });

  it('places errors in the file', () => {
    const bad = changed((bytes) => bytes.writeUInt8(9, btfOffset + 2));
    expect(() => readBtf(bad, 'vmlinux')).toThrow(
      expect.objectContaining({ where: { file: 'vmlinux', offset: btfOffset + 2 } }),
    );
  });
});

describe('openBtf', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'khoforge-btf-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const file = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(directory, name), bytes);
    return join(directory, name);
  };

  it('opens an ELF file and a raw blob', () => {
    expect(openBtf(file('vmlinux', good)).structLayout('luo_like')).toMatchObject({ size: 16 });
    expect(openBtf(file('raw.btf', encodeBtf([LONG])))).toMatchObject({ typeCount: 1 });
  });

  it.each([
    ['neither', Buffer.from('MZ\x90\0', 'latin1'), /starts with 0x4d5a9000: neither ELF nor BTF/],
    ['empty', Buffer.alloc(0), /starts with 0x: neither ELF nor BTF/],
  ])('refuses a file that is %s', (name, bytes, expected) => {
    const path = file(name, bytes);
    expect(() => openBtf(path)).toThrow(expected);
    expect(() => openBtf(path)).toThrow(expect.objectContaining({ code: 'BTF_INVALID' }));
  });

  it('says which file cannot be read', () => {
    expect(() => openBtf(directory)).toThrow(/cannot read .*: a directory, no regular file/);
    const absent = join(directory, 'absent');
    expect(() => openBtf(absent)).toThrow(
      expect.objectContaining({ code: 'FILE_UNREADABLE', where: { file: absent } }),
    );
  });

  // Whether the host's kernel has BTF is not for the test to choose: without it, that is what has to be said.
  it("opens the running kernel's, or says that it has none", () => {
    const path = '/sys/kernel/btf/vmlinux';
    if (!existsSync(path)) {
      expect(() => openBtf(path)).toThrow(expect.objectContaining({ code: 'FILE_UNREADABLE' }));
      return;
    }
    const btf = openBtf(path);
    const pointer = btf.pointerSize ?? NaN;
    expect(btf.structLayout('list_head')).toEqual({
      name: 'list_head',
      kind: 'struct',
      size: 2 * pointer,
      fields: [
        { name: 'next', offset: 0, size: pointer, typeName: 'struct list_head *' },
        { name: 'prev', offset: pointer, size: pointer, typeName: 'struct list_head *' },
      ],
    });
  });
});
