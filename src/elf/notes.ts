import type { Endian } from '../abi/target.ts';
import type { Source } from './source.ts';

/** A note, as kernels and linkers leave them in notes sections and segments (elf(5), Notes (Nhdr)). */
export interface ElfNote {
  /** Without its NUL, e.g. `GNU`. */
  readonly owner: string;
  readonly type: number;
  readonly desc: Uint8Array;
}

const HEADER = 12;
const padded = (size: number): number => Math.ceil(size / 4) * 4;

/** The notes of a section or segment, up to one that does not end within it. */
export function* notesIn(bytes: Uint8Array, endian: Endian): Generator<ElfNote, void, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u32 = (at: number) => view.getUint32(at, endian === 'little');
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const name = at + HEADER;
    const desc = name + padded(u32(at));
    const end = desc + u32(at + 4);
    if (end > bytes.length) return;
    const owner = Buffer.from(bytes.subarray(name, name + u32(at))).toString('latin1');
    yield { owner: owner.replace(/\0.*$/s, ''), type: u32(at + 8), desc: bytes.subarray(desc, end) };
    at = padded(end);
  }
}

/** Where notes stand in a file. */
export interface NotesPlace {
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** Bytes that are read at a time: the head of a note, and mostly the next ones. */
const PIECE = 1 << 16;
/** Of an owner's name; VMCOREINFO has 10. */
const MAX_NAME_LENGTH = 64;
/** Notes of one file that are looked at: a kernel leaves one or two of each processor, of which there are 8192 at most. */
const MAX_NOTES = 1 << 17;
/** Bytes that are read of one file for all its notes: those of a thousand processors are 1 MiB. */
const MAX_BYTES = 64 << 20;

/**
 * Looks for notes of an owner in a file that may hold anything: places that lead to the same bytes are read once, and
 * there is one budget for all. Only heads are read of the others.
 * @param most bytes of its contents
 * @returns `isCut` where the budget ended before
 */
export function findNote(
  { size: fileSize, read }: Pick<Source, 'size' | 'read'>,
  endian: Endian,
  places: readonly NotesPlace[],
  wanted: Pick<ElfNote, 'owner' | 'type'>,
  most: number,
): { readonly desc: Uint8Array | undefined; readonly isCut: boolean } {
  const little = endian === 'little';
  let [notes, bytes] = [MAX_NOTES, MAX_BYTES];
  const seen = new Set<number>();
  for (const { offset, size } of places) {
    const end = Math.min(offset + size, fileSize);
    let piece: { at: number; view: DataView } = { at: 0, view: new DataView(new ArrayBuffer(0)) };
    for (let at = offset; at + HEADER <= end && !seen.has(at); ) {
      if (notes-- === 0 || bytes < 0) return { desc: undefined, isCut: true };
      seen.add(at);
      const within = at - piece.at;
      if (within < 0 || within + HEADER + MAX_NAME_LENGTH > piece.view.byteLength) {
        const got = read(at, Math.min(PIECE, end - at));
        bytes -= got.length;
        piece = { at, view: new DataView(got.buffer, got.byteOffset, got.length) };
      }
      const { at: first, view } = piece;
      if (at - first + HEADER > view.byteLength) break;
      const [nameSize, descSize] = [
        view.getUint32(at - first, little),
        view.getUint32(at - first + 4, little),
      ];
      const desc = at + HEADER + padded(nameSize);
      if (desc + descSize > end) break;
      const name = Math.min(nameSize, MAX_NAME_LENGTH, view.byteLength - (at - first) - HEADER);
      const text = Buffer.from(view.buffer, view.byteOffset + at - first + HEADER, name).toString('latin1');
      const type = view.getUint32(at - first + 8, little);
      if (type === wanted.type && text.replace(/\0.*$/s, '') === wanted.owner) {
        return { desc: read(desc, Math.min(descSize, most)), isCut: false };
      }
      at = padded(desc + descSize - offset) + offset;
    }
  }
  return { desc: undefined, isCut: false };
}

/** The bytes of a note, in little-endian. */
export function noteBytes({ owner, type, desc }: ElfNote): Buffer {
  const note = Buffer.alloc(HEADER + padded(owner.length + 1) + padded(desc.length));
  note.writeUInt32LE(owner.length + 1, 0);
  note.writeUInt32LE(desc.length, 4);
  note.writeUInt32LE(type, 8);
  note.write(owner, HEADER, 'latin1');
  note.set(desc, HEADER + padded(owner.length + 1));
  return note;
}
