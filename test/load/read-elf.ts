/** One program header of an ELF64 file. */
export interface ProgramHeader {
  type: number;
  phys: bigint;
  bytes: Buffer;
  memsz: bigint;
}

/** Reads what a loader reads of a little-endian ELF64 file (System V ABI, chapters 4 and 5). */
export function readElf(file: Uint8Array): { entry: bigint; machine: number; headers: ProgramHeader[] } {
  const raw = Buffer.from(file);
  if (raw.toString('hex', 0, 7) !== '7f454c46020101') throw new Error('no little-endian ELF64');
  const table = Number(raw.readBigUInt64LE(32));
  const size = raw.readUInt16LE(54);
  const headers = Array.from({ length: raw.readUInt16LE(56) }, (_, i): ProgramHeader => {
    const at = table + i * size;
    const offset = Number(raw.readBigUInt64LE(at + 8));
    const end = offset + Number(raw.readBigUInt64LE(at + 32));
    if (end > raw.length) throw new Error(`program header ${i} ends beyond the file`);
    return {
      type: raw.readUInt32LE(at),
      phys: raw.readBigUInt64LE(at + 24),
      bytes: raw.subarray(offset, end),
      memsz: raw.readBigUInt64LE(at + 40),
    };
  });
  return { entry: raw.readBigUInt64LE(24), machine: raw.readUInt16LE(18), headers };
}

/** Memory after all PT_LOADs, where it is not zero: physical address of a byte to the byte. */
export function loadedBytes(file: Uint8Array): Map<bigint, number> {
  const memory = new Map<bigint, number>();
  for (const { type, phys, bytes } of readElf(file).headers) {
    if (type !== 1) continue;
    bytes.forEach((byte, i) => {
      if (byte !== 0) memory.set(phys + BigInt(i), byte);
    });
  }
  return memory;
}
