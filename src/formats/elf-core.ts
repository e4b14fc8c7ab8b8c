import type { Endian } from '../abi/target.ts';
import { archOfElf } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import { type Dump, type FileSegment, type SourceNote, tidySegments } from './dump.ts';
import type { MappedFile } from './mapped-file.ts';

// Names and numbers of ELF are those of elf(5).
const HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const SECTION_HEADER_SIZE = 64;
const ELFCLASS64 = 2;
const ENDIANS: Readonly<Record<number, Endian>> = { 1: 'little', 2: 'big' };
const ET_CORE = 4;
const PN_XNUM = 0xffff;
const PT_LOAD = 1;
const PT_NOTE = 4;
/** Far above any dump: a machine with 2^20 runs of memory. */
const MOST_SEGMENTS = 1 << 20;
/** Longest note that is read; VMCOREINFO is a page. */
const LONGEST_NOTES = 1 << 20;

/**
 * Reads the head of an ELF core: QEMU's dump-guest-memory, /proc/vmcore, or kdump's ELF. The memory stays in the file.
 * @throws KhoforgeError `ELF_INVALID`, `FILE_UNREADABLE`
 */
export function readElfCore(file: MappedFile): Dump {
  const head = new ElfHead(file);
  const headers = head.programHeaders();
  const loads = headers.filter(({ type, size }) => type === PT_LOAD && size > 0);
  const { segments, notes } = tidySegments(loads, file.size);
  const empty = headers.filter(({ type, size, memory }) => type === PT_LOAD && size === 0 && memory > 0n);
  const text = vmcoreinfoText(file, headers);
  const info = vmcoreinfoKeys(text);
  const pageSize = Number(info.get('PAGESIZE'));
  const release = info.get('OSRELEASE');
  const arch = archOfElf(head.u16(18));
  return {
    kind: 'ELF core',
    file,
    segments,
    endian: head.endian,
    ...(arch && { arch }),
    ...(pageSize > 0 && { pageSize }),
    ...(release !== undefined && { release }),
    ...(text !== '' && { vmcoreinfo: text }),
    notes: [...head.notes, ...notes, ...withoutBytes(empty.length)],
  };
}

function withoutBytes(count: number): SourceNote[] {
  if (count === 0) return [];
  return [{ code: 'SEGMENT_EMPTY', text: `${count} segments have memory but no bytes in the file` }];
}

interface ProgramHeader extends FileSegment {
  readonly type: number;
  /** Bytes in memory. */
  readonly memory: bigint;
}

class ElfHead {
  readonly #file: MappedFile;
  readonly #bytes: Buffer;
  readonly endian: Endian;
  readonly notes: SourceNote[] = [];

  constructor(file: MappedFile) {
    this.#file = file;
    this.#bytes = file.read(0, HEADER_SIZE);
    if (this.#bytes.length < HEADER_SIZE) throw this.#invalid('the file ends within the ELF header', 0);
    const endian = ENDIANS[this.#bytes.readUInt8(5)];
    if (this.#bytes.readUInt8(4) !== ELFCLASS64) throw this.#invalid('no 64-bit ELF: only those have KHO', 4);
    if (!endian) throw this.#invalid(`ELF byte order ${this.#bytes.readUInt8(5)}, expected 1 or 2`, 5);
    this.endian = endian;
    if (this.u16(16) !== ET_CORE) {
      const text = `an ELF file of type ${this.u16(16)}, expected a core (${ET_CORE})`;
      throw this.#invalid(text, 16, 'give the dump; a vmlinux goes to --vmlinux, a boot.elf to QEMU');
    }
  }

  u16(at: number): number {
    return this.endian === 'little' ? this.#bytes.readUInt16LE(at) : this.#bytes.readUInt16BE(at);
  }

  /** Those that the file has, also where it should have more. */
  programHeaders(): ProgramHeader[] {
    const at = this.#u64(this.#bytes, 32, 'e_phoff');
    const size = this.u16(54);
    if (size !== PROGRAM_HEADER_SIZE) {
      throw this.#invalid(`program headers of ${size} bytes, expected ${PROGRAM_HEADER_SIZE}`, 54);
    }
    const count = this.#count();
    const table = this.#file.read(at, count * PROGRAM_HEADER_SIZE);
    const whole = Math.floor(table.length / PROGRAM_HEADER_SIZE);
    if (whole < count) {
      const text = `${whole} of ${count} program headers are in the file`;
      this.notes.push({ code: 'HEADERS_TRUNCATED', text });
    }
    return Array.from({ length: whole }, (_, i) => this.#programHeader(table, i * PROGRAM_HEADER_SIZE));
  }

  /** More than 65534 do not fit in e_phnum: then the count is in sh_info of section 0. */
  #count(): number {
    const count = this.u16(56);
    if (count !== PN_XNUM) return count;
    const sections = this.#u64(this.#bytes, 40, 'e_shoff');
    const section = this.#file.read(sections, SECTION_HEADER_SIZE);
    if (sections === 0 || section.length < SECTION_HEADER_SIZE) {
      const text = 'e_phnum is 65535 and section 0, which has the true count, is not in the file';
      this.notes.push({ code: 'HEADERS_TRUNCATED', text });
      return PN_XNUM;
    }
    const real = this.endian === 'little' ? section.readUInt32LE(44) : section.readUInt32BE(44);
    if (real > MOST_SEGMENTS) {
      throw this.#invalid(`${real} program headers, at most ${MOST_SEGMENTS} are read`, sections + 44);
    }
    return real;
  }

  #programHeader(table: Buffer, at: number): ProgramHeader {
    const u64 = (offset: number) => readU64(table, at + offset, this.endian);
    const type = this.endian === 'little' ? table.readUInt32LE(at) : table.readUInt32BE(at);
    return {
      type,
      start: u64(24),
      offset: bounded(u64(8)),
      size: bounded(u64(32)),
      memory: u64(40),
    };
  }

  /** An offset that the file cannot have is as good as one behind its end. */
  #u64(bytes: Buffer, at: number, what: string): number {
    const value = readU64(bytes, at, this.endian);
    if (value > BigInt(this.#file.size)) {
      throw this.#invalid(`${what} is ${value}, the file has ${this.#file.size} bytes`, at);
    }
    return Number(value);
  }

  #invalid(text: string, offset: number, hint?: string): KhoforgeError {
    return new KhoforgeError('ELF_INVALID', `${this.#file.path}: ${text}`, {
      where: { file: this.#file.path, offset },
      ...(hint !== undefined && { hint }),
    });
  }
}

function readU64(bytes: Buffer, at: number, endian: Endian): bigint {
  return endian === 'little' ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at);
}

const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);
/** Half of it, so that an offset and a size add up to a safe integer. */
const bounded = (value: bigint): number => Number(value > LARGEST / 2n ? LARGEST / 2n : value);

/** KEY=VALUE lines that a kernel leaves for those who read its dump (kernel/vmcore_info.c, 7.3). */
function vmcoreinfoText(file: MappedFile, headers: readonly ProgramHeader[]): string {
  for (const { type, offset, size } of headers) {
    if (type !== PT_NOTE) continue;
    const notes = file.read(offset, Math.min(size, LONGEST_NOTES)).toString('latin1');
    // Owner "VMCOREINFO", padded to 12 bytes, then the text.
    const at = notes.indexOf('VMCOREINFO\0\0');
    if (at >= 0) return notes.slice(at + 12).split('\0')[0] ?? '';
  }
  return '';
}

function vmcoreinfoKeys(text: string): Map<string, string> {
  const lines = text.split('\n').map((line) => line.split('='));
  return new Map(lines.map(([key = '', value = '']): [string, string] => [key, value]));
}
