import { KhoforgeError } from '../base/errors.ts';
import type { MappedFile } from '../formats/mapped-file.ts';

/** A form of dump that is not read as it is, and the line that makes one of it that is. */
interface Foreign {
  /** Its first bytes, as Latin-1. */
  readonly magic: string;
  readonly name: string;
  readonly code: 'SOURCE_COMPRESSED' | 'SOURCE_FOREIGN';
  readonly hint: (path: string) => string;
}

const unpack = (magic: string, name: string, command: string): Foreign => ({
  magic,
  name,
  code: 'SOURCE_COMPRESSED',
  hint: (path) => `${command} < ${path} > dump, then give dump`,
});

const kdump = (magic: string): Foreign => ({
  magic,
  name: `a compressed kdump ('${magic.trim()}')`,
  code: 'SOURCE_COMPRESSED',
  hint: (path) =>
    `makedumpfile -E -d 0 ${path} core.elf, or dump with \`dump-guest-memory\` without -z, -l and -s`,
});

const vmss = (magic: string): Foreign => ({
  magic,
  name: 'a suspended machine of VMware (vmss, vmsn)',
  code: 'SOURCE_FOREIGN',
  hint: (path) => `vmss2core -N6 ${path}, or give its .vmem with --base 0`,
});

const FOREIGN: readonly Foreign[] = [
  // Of makedumpfile, and of QEMU's kdump formats (7.2).
  kdump('KDUMP   '),
  kdump('DISKDUMP'),
  {
    magic: 'makedumpfile',
    name: "a compressed kdump ('makedumpfile')",
    code: 'SOURCE_COMPRESSED',
    hint: (path) => `makedumpfile -R plain.dump < ${path}, then makedumpfile -E -d 0 plain.dump core.elf`,
  },
  unpack('\x1f\x8b', 'compressed with gzip', 'gzip -dc'),
  unpack('\xfd7zXZ\0', 'compressed with xz', 'xz -dc'),
  unpack('\x28\xb5\x2f\xfd', 'compressed with zstd', 'zstd -dc'),
  unpack('\x04\x22\x4d\x18', 'compressed with lz4', 'lz4 -dc'),
  unpack('BZh', 'compressed with bzip2', 'bzip2 -dc'),
  {
    // 0x4c694d45 in little-endian (LiME, lime.h).
    magic: 'EMiL',
    name: 'a dump of LiME',
    code: 'SOURCE_FOREIGN',
    hint: () => "take it with LiME's format=padded, and give that with --base 0",
  },
  ...['\xd0\xbe\xd2\xbe', '\xd1\xba\xd1\xba', '\xd2\xbe\xd2\xbe', '\xd3\xbe\xd3\xbe'].map(vmss),
];

/** Magics of a compressor are too short to speak against memory that its user says is raw. */
const SURE = 6;

/**
 * Names dumps of other forms, with the line that makes one of them that is read.
 * @param isRaw whether the user says that it is plain memory
 * @throws KhoforgeError `SOURCE_COMPRESSED`, `SOURCE_FOREIGN`
 */
export function refuseForeign({ path }: MappedFile, head: Buffer, isRaw: boolean): void {
  const start = head.toString('latin1');
  const found = FOREIGN.find(({ magic }) => start.startsWith(magic) && (!isRaw || magic.length >= SURE));
  if (!found) return;
  throw new KhoforgeError(found.code, `${path} is ${found.name}`, {
    where: { file: path },
    hint: found.hint(path),
  });
}
