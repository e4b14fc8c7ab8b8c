import type { Elf } from './elf.ts';

// struct Elf64_Sym of elf(5).
const SYMBOL_SIZE = 24;
/** That of a distribution's vmlinux is 5 MB. */
const MAX_TABLE_BYTES = 1 << 28;

/**
 * Virtual addresses of the symbols that are asked for, as the file is linked. Where a name is there more than once, as
 * static ones may be, it has none.
 * @throws KhoforgeError `ELF_INVALID`
 */
export function symbolAddresses(elf: Elf, names: readonly string[]): Map<string, bigint> {
  const symbols = bytesOf(elf, '.symtab');
  const strings = bytesOf(elf, '.strtab');
  const table = new DataView(symbols.buffer, symbols.byteOffset, symbols.length);
  const isLittle = elf.endian === 'little';
  const wanted = new Set(names);
  const longest = Math.max(0, ...names.map((name) => name.length));
  const found = new Map<string, bigint>();
  const twice = new Set<string>();
  for (let at = 0; at + SYMBOL_SIZE <= symbols.length; at += SYMBOL_SIZE) {
    const name = nameAt(strings, table.getUint32(at, isLittle), longest);
    if (!wanted.has(name)) continue;
    if (found.has(name)) twice.add(name);
    found.set(name, table.getBigUint64(at + 8, isLittle));
  }
  for (const name of twice) found.delete(name);
  return found;
}

/** Addresses of code, as linked. */
export interface CodeRange {
  readonly start: bigint;
  /** Behind the last byte. */
  readonly end: bigint;
}

/** STT_FUNC of elf(5). */
const FUNCTION = 2;

/**
 * Where the functions of a program are, by address.
 * @throws KhoforgeError `ELF_INVALID`
 */
export function functionRanges(elf: Elf): CodeRange[] {
  const symbols = bytesOf(elf, '.symtab');
  const table = new DataView(symbols.buffer, symbols.byteOffset, symbols.length);
  const isLittle = elf.endian === 'little';
  const ranges: CodeRange[] = [];
  for (let at = 0; at + SYMBOL_SIZE <= symbols.length; at += SYMBOL_SIZE) {
    if ((table.getUint8(at + 4) & 0xf) !== FUNCTION) continue;
    const start = table.getBigUint64(at + 8, isLittle);
    ranges.push({ start, end: start + table.getBigUint64(at + 16, isLittle) });
  }
  return ranges.sort((a, b) => (a.start < b.start ? -1 : 1));
}

function bytesOf(elf: Elf, name: string): Buffer {
  const section = elf.section(name);
  if (section === undefined || section.size > MAX_TABLE_BYTES) return Buffer.alloc(0);
  return Buffer.from(elf.bytesOf(section));
}

function nameAt(strings: Buffer, offset: number, longest: number): string {
  const end = strings.indexOf(0, offset);
  return end < 0 || end - offset > longest ? '' : strings.toString('latin1', offset, end);
}
