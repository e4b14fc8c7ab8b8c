import type { Endian } from '../abi/target.ts';

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
