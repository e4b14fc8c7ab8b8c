import { fdtSize } from '../fdt/header.ts';
import type { Image } from '../model/image.ts';

/** Longest blob that is read for decoding; none of the kernel's comes near. */
const MAX_BLOB_SIZE = 16n << 20n;

/** Without a recorded size a blob that begins as an FDT has its own; any other is at most the page it starts in. */
export function blobBytes(image: Image, phys: bigint, size: bigint | null): Uint8Array {
  const wanted = size ?? BigInt(fdtSize(image.memory.read(phys, 8)) ?? image.target.pageSize);
  return image.memory.read(phys, Number(wanted < MAX_BLOB_SIZE ? wanted : MAX_BLOB_SIZE));
}
