import type { Endian } from '../abi/target.ts';
import type { Source } from './source.ts';
import { View } from './view.ts';

// Names and numbers of ELF are those of elf(5).
const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const ELFCLASS64 = 2;
const ENDIANS: Readonly<Record<number, Endian>> = { 1: 'little', 2: 'big' };
const SHT_NOBITS = 8;
const SHF_COMPRESSED = 0x800n;
const SHN_XINDEX = 0xffff;
/** A vmlinux has about 50; an object with a section per function, tens of thousands. */
const MAX_SECTIONS = 1 << 20;

/** Where a section's bytes stand in the file. */
export interface ElfSection {
  /** Virtual address, as linked. */
  readonly address: bigint;
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

interface SectionTable {
  readonly view: View;
  readonly count: number;
  /** The section that holds the names of all. */
  readonly names: ElfSection;
}

export function isElf(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, 4)).equals(Buffer.from('\x7fELF', 'latin1'));
}

/** The sections of an ELF64 file of either byte order. Only what is asked for is read. */
export class Elf {
  readonly endian: Endian;
  /** e_machine. */
  readonly machine: number;
  readonly #source: Source;
  readonly #table: SectionTable;

  /** @throws KhoforgeError `ELF_INVALID` */
  constructor(source: Source) {
    this.#source = source;
    const plain = new View(source.read(0, Math.min(HEADER_SIZE, source.size)), 'little', {
      code: 'ELF_INVALID',
      file: source.file,
      base: 0,
    });
    plain.need(0, HEADER_SIZE, 'an ELF64 header');
    if (plain.u8(4) !== ELFCLASS64) {
      throw plain.error(4, `ELF class ${plain.u8(4)}`, 'only 64-bit kernels have KHO');
    }
    const endian = ENDIANS[plain.u8(5)];
    if (endian === undefined) throw plain.error(5, `ELF byte order ${plain.u8(5)}: expected 1 or 2`);
    this.endian = endian;
    const header = this.#view(0, HEADER_SIZE, 'the ELF header');
    this.machine = header.u16(18);
    this.#table = this.#readTable(header);
  }

  /**
   * @returns undefined when no section has that name
   * @throws KhoforgeError `ELF_INVALID` when its bytes are not in the file as they are
   */
  section(name: string): ElfSection | undefined {
    const wanted = Buffer.from(`${name}\0`);
    const { view, count, names } = this.#table;
    for (let index = 0; index < count; index++) {
      const at = index * SECTION_HEADER_SIZE;
      const nameOffset = view.u32(at);
      if (nameOffset + wanted.length > names.size) continue;
      const found = this.#source.read(names.offset + nameOffset, wanted.length);
      if (wanted.equals(found)) return this.#extent(view, at, name);
    }
    return undefined;
  }

  #readTable(header: View): SectionTable {
    const start = toNumberIn(header, 40, 'e_shoff');
    if (start === 0)
      throw header.error(40, 'no section headers (e_shoff is 0)', 'give an unstripped vmlinux');
    if (header.u16(58) !== SECTION_HEADER_SIZE) {
      throw header.error(58, `section headers of ${header.u16(58)} bytes: expected ${SECTION_HEADER_SIZE}`);
    }
    // Numbers that do not fit in the ELF header stand in section header 0.
    const first = this.#view(start, SECTION_HEADER_SIZE, 'section header 0');
    const count = header.u16(60) || toNumberIn(first, 32, 'the number of sections');
    const namesIndex = header.u16(62) === SHN_XINDEX ? first.u32(40) : header.u16(62);
    if (count > MAX_SECTIONS) throw header.error(60, `${count} sections: at most ${MAX_SECTIONS} are read`);
    if (namesIndex >= count) throw header.error(62, `section names in section ${namesIndex} of ${count}`);
    const view = this.#view(start, count * SECTION_HEADER_SIZE, 'the section headers');
    const names = this.#extent(view, namesIndex * SECTION_HEADER_SIZE, 'with the names of the sections');
    return { view, count, names };
  }

  #extent(table: View, at: number, name: string): ElfSection {
    if (table.u32(at + 4) === SHT_NOBITS) {
      throw table.error(
        at + 4,
        `section ${name} has no bytes in this file`,
        'give the file it was split from',
      );
    }
    if ((table.u64(at + 8) & SHF_COMPRESSED) !== 0n) {
      throw table.error(at + 8, `section ${name} is compressed`, 'objcopy --decompress-debug-sections');
    }
    const offset = toNumberIn(table, at + 24, 'sh_offset');
    const size = toNumberIn(table, at + 32, 'sh_size');
    if (offset + size > this.#source.size) {
      throw table.error(
        at + 24,
        `section ${name}, ${size} bytes at ${offset}, ends after the file's ${this.#source.size} bytes`,
      );
    }
    return { address: table.u64(at + 16), offset, size };
  }

  #view(offset: number, length: number, what: string): View {
    const origin = { code: 'ELF_INVALID', file: this.#source.file, base: offset } as const;
    if (offset + length > this.#source.size) {
      const start = { ...origin, base: 0 };
      throw new View(new Uint8Array(), 'little', start).error(
        offset,
        `${what}, ${length} bytes at ${offset}, ends after the file's ${this.#source.size} bytes`,
      );
    }
    return new View(this.#source.read(offset, length), this.endian, origin);
  }
}

/** An offset or size of the file; above 2^53 nothing of it is there. */
function toNumberIn(view: View, at: number, what: string): number {
  const value = view.u64(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw view.error(at, `${what} is ${value}`);
  return Number(value);
}
