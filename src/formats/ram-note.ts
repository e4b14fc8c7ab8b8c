import { noteBytes } from '../elf/notes.ts';
import { unionOf } from '../memory/intervals.ts';
import type { Region } from '../memory/regions.ts';

/** Of the note in which our own ELF cores say what is RAM: a core has the memory of the handover, and no more. */
export const RAM_NOTE = {
  owner: 'khoforge',
  /** `KHOR`: debuggers take small numbers for notes that they know, whoever their owner is (crash 8.0.2, netdump.c). */
  type: 0x524f484b,
} as const;

/** Ranges that are read of a note; a machine has some dozens. */
const MOST = 1 << 16;
/** Start and size, in little-endian. */
const ENTRY = 16;

export const MAX_RAM_NOTE_SIZE = MOST * ENTRY;

export function ramNote(ram: readonly Region[]): Buffer {
  const regions = unionOf(ram);
  const desc = Buffer.alloc(regions.length * ENTRY);
  regions.forEach(({ start, size }, i) => {
    desc.writeBigUInt64LE(start, i * ENTRY);
    desc.writeBigUInt64LE(size, i * ENTRY + 8);
  });
  return noteBytes({ ...RAM_NOTE, desc });
}

/** Ascending and apart from each other, or undefined: then the note is nobody's. */
export function ramIn(desc: Uint8Array): Region[] | undefined {
  const bytes = Buffer.from(desc.buffer, desc.byteOffset, desc.length);
  const ram = Array.from({ length: Math.floor(bytes.length / ENTRY) }, (_, i) => ({
    start: bytes.readBigUInt64LE(i * ENTRY),
    size: bytes.readBigUInt64LE(i * ENTRY + 8),
  }));
  let end = 0n;
  for (const { start, size } of ram) {
    if (start < end || start + size > 1n << 64n) return undefined;
    end = start + size;
  }
  return ram;
}
