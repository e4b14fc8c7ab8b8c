/** XEN_ELFNOTE_PHYS32_ENTRY of owner Xen: the 32-bit entry address (xen/include/public/elfnote.h). */
const PHYS32_ENTRY = 18;

/** The note by which QEMU loads an ELF file and enters it in 32-bit mode (QEMU hw/i386/x86.c: load_elfboot()). */
export function pvhNote(entry: bigint): Buffer {
  const note = Buffer.alloc(24);
  note.writeUInt32LE(4, 0); // bytes of the name
  note.writeUInt32LE(8, 4); // bytes of the address: QEMU reads 8
  note.writeUInt32LE(PHYS32_ENTRY, 8);
  note.write('Xen\0', 12, 'latin1');
  note.writeBigUInt64LE(entry, 16);
  return note;
}
