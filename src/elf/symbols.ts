import type { Elf, ElfSection } from './elf.ts';
import type { Source } from './source.ts';

// struct Elf64_Sym of elf(5).
const SYMBOL_SIZE = 24;
/** That of a distribution's vmlinux is 5 MB. */
const LONGEST_TABLE = 1 << 28;

/**
 * Virtual addresses of the symbols that are asked for, as the file is linked. Where a name is there more than once, as
 * static ones may be, it has none.
 * @throws KhoforgeError `ELF_INVALID`
 */
export function symbolAddresses(source: Source, elf: Elf, names: readonly string[]): Map<string, bigint> {
  const table = bytesOf(source, elf.section('.symtab'));
  const strings = bytesOf(source, elf.section('.strtab'));
  const wanted = new Set(names);
  const longest = Math.max(0, ...names.map((name) => name.length));
  const found = new Map<string, bigint>();
  const twice = new Set<string>();
  for (let at = 0; at + SYMBOL_SIZE <= table.length; at += SYMBOL_SIZE) {
    const name = nameAt(strings, table.readUInt32LE(at), longest);
    if (!wanted.has(name)) continue;
    if (found.has(name)) twice.add(name);
    found.set(name, table.readBigUInt64LE(at + 8));
  }
  for (const name of twice) found.delete(name);
  return found;
}

function bytesOf(source: Source, section: ElfSection | undefined): Buffer {
  if (section === undefined || section.size > LONGEST_TABLE) return Buffer.alloc(0);
  return Buffer.from(source.read(section.offset, section.size));
}

function nameAt(strings: Buffer, offset: number, longest: number): string {
  const end = strings.indexOf(0, offset);
  return end < 0 || end - offset > longest ? '' : strings.toString('latin1', offset, end);
}
