import { fdtSize } from '../fdt/header.ts';
import type { Image } from '../model/image.ts';

/** Longest blob that is read for decoding; none of the kernel's comes near. */
const LARGEST_BLOB = 16n << 20n;

/** Without a recorded size a blob that begins as an FDT has its own; any other is at most the page it starts in. */
export function blobBytes(image: Image, phys: bigint, size: bigint | null): Uint8Array {
  const wanted = size ?? BigInt(fdtSize(image.memory.read(phys, 8)) ?? image.target.pageSize);
  return image.memory.read(phys, Number(wanted < LARGEST_BLOB ? wanted : LARGEST_BLOB));
}
