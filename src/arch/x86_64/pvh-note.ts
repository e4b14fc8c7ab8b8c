import { noteBytes } from '../../elf/notes.ts';

/** XEN_ELFNOTE_PHYS32_ENTRY of owner Xen: the 32-bit entry address (xen/include/public/elfnote.h). */
const PHYS32_ENTRY = 18;

/** The note by which QEMU loads an ELF file and enters it in 32-bit mode (QEMU hw/i386/x86.c: load_elfboot()). */
export function pvhNote(entry: bigint): Buffer {
  const desc = Buffer.alloc(8); // QEMU reads 8 bytes
  desc.writeBigUInt64LE(entry);
  return noteBytes({ owner: 'Xen', type: PHYS32_ENTRY, desc });
}
