import { HEADER_SIZE, PN_XNUM, PROGRAM_HEADER_SIZE, SECTION_HEADER_SIZE } from './format.ts';

/** An ELF64 file in little-endian that has program headers and nothing else but what they lead to. */
export interface ElfHeader {
  /** ET_*. */
  readonly type: number;
  /** EM_*. */
  readonly machine: number;
  readonly entry?: bigint;
  readonly programHeaders: readonly ProgramHeader[];
}

/** Its size in memory is that in the file. */
export interface ProgramHeader {
  /** PT_*. */
  readonly type: number;
  /** PF_*. */
  readonly flags: number;
  readonly offset: number;
  readonly virt: bigint;
  readonly phys: bigint;
  readonly size: bigint;
  readonly align?: bigint;
}

/** Bytes of `headBytes`. @param count of program headers */
export function headSize(count: number): number {
  return HEADER_SIZE + PROGRAM_HEADER_SIZE * count + (count < PN_XNUM ? 0 : SECTION_HEADER_SIZE);
}

/** The ELF header, the program headers and, where their number needs it, section 0. */
export function headBytes({ type, machine, entry = 0n, programHeaders }: ElfHeader): Buffer {
  const count = programHeaders.length;
  const head = Buffer.alloc(headSize(count));
  head.write('\x7fELF\x02\x01\x01', 0, 'latin1'); // 64-bit, little-endian, version 1
  head.writeUInt16LE(type, 16);
  head.writeUInt16LE(machine, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(entry, 24);
  head.writeBigUInt64LE(BigInt(HEADER_SIZE), 32);
  head.writeUInt16LE(HEADER_SIZE, 52);
  head.writeUInt16LE(PROGRAM_HEADER_SIZE, 54);
  head.writeUInt16LE(Math.min(count, PN_XNUM), 56);
  programHeaders.forEach((header, i) => {
    writeProgramHeader(head, HEADER_SIZE + PROGRAM_HEADER_SIZE * i, header);
  });
  if (count >= PN_XNUM) {
    const section = HEADER_SIZE + PROGRAM_HEADER_SIZE * count;
    head.writeBigUInt64LE(BigInt(section), 40);
    head.writeUInt16LE(SECTION_HEADER_SIZE, 58);
    head.writeUInt16LE(1, 60);
    head.writeUInt32LE(count, section + 44);
  }
  return head;
}

function writeProgramHeader(head: Buffer, at: number, header: ProgramHeader): void {
  head.writeUInt32LE(header.type, at);
  head.writeUInt32LE(header.flags, at + 4);
  head.writeBigUInt64LE(BigInt(header.offset), at + 8);
  head.writeBigUInt64LE(header.virt, at + 16);
  head.writeBigUInt64LE(header.phys, at + 24);
  head.writeBigUInt64LE(header.size, at + 32);
  head.writeBigUInt64LE(header.size, at + 40);
  head.writeBigUInt64LE(header.align ?? 0n, at + 48);
}
