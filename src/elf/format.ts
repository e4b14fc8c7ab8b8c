import type { Endian } from '../abi/target.ts';

// Names and numbers are those of elf(5), for ELF64.
export const HEADER_SIZE = 64;
export const PROGRAM_HEADER_SIZE = 56;
export const SECTION_HEADER_SIZE = 64;
export const ELFCLASS64 = 2;
/** By EI_DATA. */
export const ENDIANS: Readonly<Record<number, Endian>> = { 1: 'little', 2: 'big' };
export const ET_EXEC = 2;
export const ET_CORE = 4;
export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PT_NOTE = 4;
export const PF_R = 4;
export const PF_RWX = 7;
/** More program headers do not fit in e_phnum: then it is this, and the number is in sh_info of section 0. */
export const PN_XNUM = 0xffff;
export const SHT_NOBITS = 8;
export const SHF_COMPRESSED = 0x800n;
export const SHN_XINDEX = 0xffff;

export function isElf(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, 4)).equals(Buffer.from('\x7fELF', 'latin1'));
}
