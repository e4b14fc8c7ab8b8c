import type { Endian } from '../abi/target.ts';
import { fileView, numberIn } from './file-view.ts';
import {
  ELFCLASS64,
  ENDIANS,
  HEADER_SIZE,
  PN_XNUM,
  PROGRAM_HEADER_SIZE,
  SECTION_HEADER_SIZE,
} from './format.ts';
import { type ElfSection, Sections } from './sections.ts';
import type { Source } from './source.ts';
import { View } from './view.ts';

/** Far above any dump: a machine with 2^20 runs of memory. */
const MAX_PROGRAM_HEADERS = 1 << 20;

export interface ProgramHeader {
  /** PT_*. */
  readonly type: number;
  readonly offset: bigint;
  readonly virt: bigint;
  readonly phys: bigint;
  /** Bytes in the file, which need not have them. */
  readonly fileSize: bigint;
  readonly memorySize: bigint;
}

export interface ProgramHeaders {
  /** Those that the file has, also where it should have more. */
  readonly headers: readonly ProgramHeader[];
  /** What the file lacks of them, for people. */
  readonly missing: readonly string[];
}

/** An ELF64 file of either byte order. Only what is asked for is read. */
export class Elf {
  readonly endian: Endian;
  /** e_type. */
  readonly type: number;
  /** e_machine. */
  readonly machine: number;
  /** e_entry. */
  readonly entry: bigint;
  readonly #source: Source;
  readonly #header: View;
  #sections: Sections | undefined;

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
    this.#header = fileView(source, endian, 0, HEADER_SIZE, 'the ELF header');
    this.type = this.#header.u16(16);
    this.machine = this.#header.u16(18);
    this.entry = this.#header.u64(24);
  }

  /** Where the section headers end: the end of a file that a linker wrote. @throws KhoforgeError `ELF_INVALID` */
  get end(): number {
    return this.#offset(40, 'e_shoff') + this.#header.u16(58) * this.#header.u16(60);
  }

  /**
   * @returns undefined when no section has that name
   * @throws KhoforgeError `ELF_INVALID` when there are no sections, or its bytes are not in the file as they are
   */
  section(name: string): ElfSection | undefined {
    this.#sections ??= new Sections(this.#source, this.#header);
    return this.#sections.named(name);
  }

  bytesOf({ offset, size }: ElfSection): Uint8Array {
    return this.#source.read(offset, size);
  }

  /** @throws KhoforgeError `ELF_INVALID` when they are of another kind, or begin after the end of the file */
  programHeaders(): ProgramHeaders {
    const header = this.#header;
    const missing: string[] = [];
    const entrySize = header.u16(54);
    if (entrySize !== PROGRAM_HEADER_SIZE) {
      throw header.error(54, `program headers of ${entrySize} bytes: expected ${PROGRAM_HEADER_SIZE}`);
    }
    const start = this.#offset(32, 'e_phoff');
    const count = this.#programHeaderCount(missing);
    const whole = Math.min(count, Math.floor((this.#source.size - start) / PROGRAM_HEADER_SIZE));
    if (whole < count) missing.push(`${whole} of ${count} program headers are in the file`);
    const table = fileView(this.#source, this.endian, start, whole * PROGRAM_HEADER_SIZE, 'program headers');
    const headers = Array.from({ length: whole }, (_, i) => programHeader(table, i * PROGRAM_HEADER_SIZE));
    return { headers, missing };
  }

  #programHeaderCount(missing: string[]): number {
    const count = this.#header.u16(56);
    if (count !== PN_XNUM) return count;
    const start = this.#offset(40, 'e_shoff');
    if (start === 0 || start + SECTION_HEADER_SIZE > this.#source.size) {
      missing.push('e_phnum is 65535 and section 0, which has the true count, is not in the file');
      return PN_XNUM;
    }
    const section = fileView(this.#source, this.endian, start, SECTION_HEADER_SIZE, 'section header 0');
    const real = section.u32(44);
    if (real <= MAX_PROGRAM_HEADERS) return real;
    throw section.error(44, `${real} program headers: at most ${MAX_PROGRAM_HEADERS} are read`);
  }

  /** One that the file has. */
  #offset(at: number, what: string): number {
    const value = numberIn(this.#header, at, what);
    if (value <= this.#source.size) return value;
    throw this.#header.error(at, `${what} is ${value}, the file has ${this.#source.size} bytes`);
  }
}

function programHeader(table: View, at: number): ProgramHeader {
  return {
    type: table.u32(at),
    offset: table.u64(at + 8),
    virt: table.u64(at + 16),
    phys: table.u64(at + 24),
    fileSize: table.u64(at + 32),
    memorySize: table.u64(at + 40),
  };
}
