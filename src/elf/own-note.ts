import { HEADER_SIZE, isElf, PROGRAM_HEADER_SIZE, PT_NOTE } from './format.ts';
import { noteBytes, notesIn } from './notes.ts';

// An ELF file that khoforge wrote says so, in a note whose text is its form, such as `core`.
const OWNER = 'khoforge';
/** `KHOF`: debuggers take small numbers for notes that they know, whoever their owner is (crash 8.0.2, netdump.c). */
const TYPE = 0x464f484b;
/** Bytes of notes that are looked at: VMCOREINFO, before ours, is a page. */
const MOST = 1 << 20;

export function ownNote(form: string): Buffer {
  return noteBytes({ owner: OWNER, type: TYPE, desc: Buffer.from(form, 'latin1') });
}

/**
 * The form that an ELF file of ours says it has; undefined for any other file.
 * @param read gives up to that many bytes of the file at that offset
 */
export function ownForm(read: (offset: number, length: number) => Buffer): string | undefined {
  // What we write is ELF64 in little-endian, with the program header of the notes first.
  const head = read(0, HEADER_SIZE + PROGRAM_HEADER_SIZE);
  if (!isElf(head) || head.length < HEADER_SIZE + PROGRAM_HEADER_SIZE) return undefined;
  if (head.readUInt16LE(4) !== 0x0102 || head.readUInt32LE(HEADER_SIZE) !== PT_NOTE) return undefined;
  const [offset, size] = [head.readBigUInt64LE(HEADER_SIZE + 8), head.readBigUInt64LE(HEADER_SIZE + 32)];
  if (offset > BigInt(Number.MAX_SAFE_INTEGER) || size > BigInt(MOST)) return undefined;
  for (const { owner, type, desc } of notesIn(read(Number(offset), Number(size)), 'little')) {
    if (owner === OWNER && type === TYPE) return Buffer.from(desc).toString('latin1');
  }
  return undefined;
}
