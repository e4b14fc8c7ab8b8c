import type { PageSize } from '../../abi/arch.ts';
import { KhoforgeError } from '../../base/errors.ts';
import { hex } from '../../base/numbers.ts';

/** An arm64 kernel as `Image` has it, uncompressed (struct arm64_image_header, arch/arm64/include/asm/image.h, 7.3). */
export interface Arm64Image {
  readonly bytes: Uint8Array;
  /** Bytes from a multiple of 2 MiB to the start of the image. */
  readonly textOffset: bigint;
  /** Bytes of memory it takes, .bss included. */
  readonly imageSize: bigint;
  /** Version text in the image; may be empty. */
  readonly version: string;
  /** Bytes. */
  readonly pageSize: PageSize;
}

const HEADER_SIZE = 64;
const MAGIC = 'ARM\x64';
/** No kernel is larger; what a header claims beyond would be no size. */
const LARGEST = 1n << 32n;

/** By bits 1 and 2 of the header's flags (Documentation/arch/arm64/booting.rst, 7.3); 0 is not told, and 4 KiB is usual. */
const PAGE_SIZES: readonly PageSize[] = [4096, 4096, 16384, 65536];

/** By the magic number of its header. */
export const isArm64Image = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1', 56, 60) === MAGIC;

/** @throws KhoforgeError `KERNEL_NOT_IMAGE` */
export function parseArm64Image(kernel: Uint8Array, file = 'the kernel'): Arm64Image {
  const raw = Buffer.from(kernel.buffer, kernel.byteOffset, kernel.length);
  if (raw.length < HEADER_SIZE || !isArm64Image(kernel)) throw notImage(file, whatElse(raw));
  const textOffset = raw.readBigUInt64LE(8);
  const imageSize = raw.readBigUInt64LE(16);
  if (imageSize < BigInt(raw.length) - textOffset || imageSize > LARGEST || textOffset > LARGEST) {
    throw notImage(file, `an Image whose header tells a size of ${hex(imageSize)} at ${hex(textOffset)}`);
  }
  const banner = /Linux version ([^\n\0]{1,200})/.exec(raw.toString('latin1'))?.[1] ?? '';
  const pageSize = PAGE_SIZES[(raw.readUInt8(24) >> 1) & 3] ?? 4096;
  return { bytes: kernel, textOffset, imageSize, version: banner, pageSize };
}

function whatElse(raw: Buffer): string {
  if (raw.toString('latin1', 0, 2) === '\x1f\x8b')
    return 'compressed with gzip: gunzip it, or give arch/arm64/boot/Image';
  if (raw.toString('latin1', 0x202, 0x206) === 'HdrS') return 'an x86 bzImage';
  return 'no arm64 Image';
}

function notImage(file: string, what: string): KhoforgeError {
  return new KhoforgeError('KERNEL_NOT_IMAGE', `${file} is ${what}`, {
    where: { file },
    hint: 'give arch/arm64/boot/Image of a build for the architecture that the image is for',
  });
}
