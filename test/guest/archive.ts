export interface ArchiveEntry {
  readonly name: string;
  readonly mode: number;
  readonly bytes: Buffer;
}

/** What the kernel would unpack, by the header fields that it reads (init/initramfs.c: parse_header(), 7.3). */
export function archiveEntries(archive: Buffer): ArchiveEntry[] {
  const found: ArchiveEntry[] = [];
  for (let at = 0; ; ) {
    const magic = archive.toString('latin1', at, at + 6);
    if (magic !== '070701') throw new Error(`no header at ${at}: '${magic}'`);
    const field = (i: number) =>
      Number.parseInt(archive.toString('latin1', at + 6 + 8 * i, at + 14 + 8 * i), 16);
    const [mode, size, length] = [field(1), field(6), field(11)];
    const name = archive.toString('latin1', at + 110, at + 109 + length);
    const data = (at + 110 + length + 3) & ~3;
    if (name === 'TRAILER!!!') return found;
    found.push({ name, mode, bytes: archive.subarray(data, data + size) });
    at = (data + size + 3) & ~3;
  }
}
