import { fileView, numberIn } from './file-view.ts';
import { SECTION_HEADER_SIZE, SHF_COMPRESSED, SHN_XINDEX, SHT_NOBITS } from './format.ts';
import type { Source } from './source.ts';
import type { View } from './view.ts';

/** Where a section's bytes stand in the file. */
export interface ElfSection {
  /** Virtual address, as linked. */
  readonly address: bigint;
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** A vmlinux has about 50; an object with a section per function, tens of thousands. */
const MAX_SECTIONS = 1 << 20;

/** The section headers of a file, by their names. */
export class Sections {
  readonly #source: Source;
  readonly #table: View;
  readonly #count: number;
  /** The section that holds the names of all. */
  readonly #names: ElfSection;

  /** @throws KhoforgeError `ELF_INVALID` when it has none */
  constructor(source: Source, header: View) {
    this.#source = source;
    const start = numberIn(header, 40, 'e_shoff');
    if (start === 0)
      throw header.error(40, 'no section headers (e_shoff is 0)', 'give an unstripped vmlinux');
    if (header.u16(58) !== SECTION_HEADER_SIZE) {
      throw header.error(58, `section headers of ${header.u16(58)} bytes: expected ${SECTION_HEADER_SIZE}`);
    }
    const view = (length: number, what: string) => fileView(source, header.endian, start, length, what);
    // Numbers that do not fit in the ELF header stand in section header 0.
    const first = view(SECTION_HEADER_SIZE, 'section header 0');
    const count = header.u16(60) || numberIn(first, 32, 'the number of sections');
    const namesIndex = header.u16(62) === SHN_XINDEX ? first.u32(40) : header.u16(62);
    if (count > MAX_SECTIONS) throw header.error(60, `${count} sections: at most ${MAX_SECTIONS} are read`);
    if (namesIndex >= count) throw header.error(62, `section names in section ${namesIndex} of ${count}`);
    this.#count = count;
    this.#table = view(count * SECTION_HEADER_SIZE, 'the section headers');
    this.#names = this.#extent(namesIndex * SECTION_HEADER_SIZE, 'with the names of the sections');
  }

  /** @throws KhoforgeError `ELF_INVALID` when its bytes are not in the file as they are */
  named(name: string): ElfSection | undefined {
    const wanted = Buffer.from(`${name}\0`);
    for (let index = 0; index < this.#count; index++) {
      const at = index * SECTION_HEADER_SIZE;
      const nameOffset = this.#table.u32(at);
      if (nameOffset + wanted.length > this.#names.size) continue;
      const found = this.#source.read(this.#names.offset + nameOffset, wanted.length);
      if (wanted.equals(found)) return this.#extent(at, name);
    }
    return undefined;
  }

  #extent(at: number, name: string): ElfSection {
    const table = this.#table;
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
    const offset = numberIn(table, at + 24, 'sh_offset');
    const size = numberIn(table, at + 32, 'sh_size');
    if (offset + size > this.#source.size) {
      throw table.error(
        at + 24,
        `section ${name}, ${size} bytes at ${offset}, ends after the file's ${this.#source.size} bytes`,
      );
    }
    return { address: table.u64(at + 16), offset, size };
  }
}
