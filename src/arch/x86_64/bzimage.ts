import { KhoforgeError } from '../../base/errors.ts';
import { hex, humanSize } from '../../base/numbers.ts';

/** What the boot protocol header of an x86 bzImage says (Documentation/arch/x86/boot.rst, 7.3). */
export interface BzImage {
  /** The setup header as bytes, from offset 0x1f1 of the file: what a loader copies into boot_params. */
  readonly setupHeader: Uint8Array;
  /** What is loaded at the kernel's address: everything after the real-mode part. */
  readonly payload: Uint8Array;
  /** 0x20c for 2.12. */
  readonly protocol: number;
  /** Bytes the kernel needs at its address until it has unpacked itself. */
  readonly initSize: bigint;
  /** Bytes, a power of two. */
  readonly kernelAlignment: bigint;
  readonly prefAddress: bigint;
  /** Whether it runs anywhere that is aligned, or only at `prefAddress`. */
  readonly relocatable: boolean;
  readonly xloadflags: number;
  /** Longest command line, with its NUL. */
  readonly cmdlineSize: number;
  /** E.g. `7.3.4 (build@host) #1 SMP PREEMPT …`; empty when the header has none. */
  readonly version: string;
}

/** First byte of `struct setup_header` in the file and in boot_params. */
export const SETUP_HEADER_OFFSET = 0x1f1;
/** XLF_KERNEL_64: there is a 64-bit entry point 0x200 bytes into the payload. */
const XLF_KERNEL_64 = 1;
const LOADED_HIGH = 1;
/** 2.12, the oldest that kexec_file_load() takes (7.3, arch/x86/kernel/kexec-bzimage64.c: bzImage64_probe()). */
const OLDEST_PROTOCOL = 0x20c;
/** One past `init_size`, the last field that is read. */
const HEADER_END = 0x264;
/** A kernel that asks for more memory than this to unpack itself is a corrupt header. */
const MAX_INIT_SIZE = 1n << 30n;
const SECTOR = 512;

/**
 * Reads a bzImage.
 * @param file name for messages
 * @throws KhoforgeError `KERNEL_NOT_BZIMAGE`, or `KERNEL_UNSUPPORTED` for one that cannot be booted this way
 */
export function parseBzImage(bytes: Uint8Array, file = 'kernel'): BzImage {
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  checkMagic(raw, file);
  const setupEnd = ((raw[SETUP_HEADER_OFFSET] || 4) + 1) * SECTOR; // boot.rst: setup_sects 0 means 4
  if (setupEnd >= raw.length) {
    throw notBzImage(file, `it ends after ${raw.length} bytes, inside its real-mode part of ${setupEnd}`);
  }
  const kernel: BzImage = {
    setupHeader: raw.subarray(SETUP_HEADER_OFFSET, 0x202 + raw.readUInt8(0x201)),
    payload: raw.subarray(setupEnd),
    protocol: raw.readUInt16LE(0x206),
    initSize: BigInt(raw.readUInt32LE(0x260)),
    kernelAlignment: BigInt(raw.readUInt32LE(0x230)),
    prefAddress: raw.readBigUInt64LE(0x258),
    relocatable: raw.readUInt8(0x234) !== 0,
    xloadflags: raw.readUInt16LE(0x236),
    cmdlineSize: raw.readUInt32LE(0x238),
    version: versionString(raw, setupEnd),
  };
  checkUsable(kernel, raw.readUInt8(0x211), file);
  return kernel;
}

/** By the mark of its setup header. */
export const isBzImage = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1', 0x202, 0x206) === 'HdrS';

/** `7.3.4` from the version string. */
export function kernelRelease(kernel: Pick<BzImage, 'version'>): string | undefined {
  return kernel.version.split(' ')[0] || undefined;
}

/** Things people give by mistake: first bytes, at which offset, what it is, what to give. */
const LOOKALIKES: readonly (readonly [offset: number, magic: string, what: string, hint: string])[] = [
  [0, '\x7fELF', 'an ELF file, such as vmlinux', 'give arch/x86/boot/bzImage of the same build'],
  [0, '\x1f\x8b', 'gzip data', 'unpack it with gunzip, or give arch/x86/boot/bzImage of the same build'],
  [0, '\xfd7zXZ', 'xz data', 'unpack it with unxz'],
  [0, '\x28\xb5\x2f\xfd', 'zstd data', 'unpack it with unzstd'],
  [0x38, 'ARM\x64', 'an arm64 Image', 'give a kernel of the architecture that the image is for'],
];

function checkMagic(raw: Buffer, file: string): void {
  const at = (offset: number, length: number) => raw.toString('latin1', offset, offset + length);
  for (const [offset, magic, what, hint] of LOOKALIKES) {
    if (at(offset, magic.length) === magic) throw notBzImage(file, `it is ${what}`, hint);
  }
  if (raw.length < 2 * SECTOR) throw notBzImage(file, `it is only ${raw.length} bytes long`);
  if (at(0x202, 4) !== 'HdrS') throw notBzImage(file, `there is no 'HdrS' at offset 0x202`);
  if (raw.readUInt16LE(0x1fe) !== 0xaa55) {
    throw notBzImage(file, 'there is no boot sector mark 0xaa55 at offset 0x1fe');
  }
}

function notBzImage(file: string, why: string, hint = 'give arch/x86/boot/bzImage, or /boot/vmlinuz-*') {
  return new KhoforgeError('KERNEL_NOT_BZIMAGE', `${file} is no bzImage: ${why}`, { where: { file }, hint });
}

function checkUsable(kernel: BzImage, loadflags: number, file: string): void {
  const refuse = (why: string, offset: number) => {
    throw new KhoforgeError('KERNEL_UNSUPPORTED', `${file}: ${why}`, { where: { file, offset } });
  };
  if (kernel.protocol < OLDEST_PROTOCOL) {
    const version = `${kernel.protocol >> 8}.${kernel.protocol & 0xff}`;
    refuse(`boot protocol ${version} is older than 2.12, which KHO kernels have`, 0x206);
  }
  if (kernel.setupHeader.length < HEADER_END - SETUP_HEADER_OFFSET) {
    refuse(`the setup header of ${kernel.setupHeader.length} bytes ends before init_size`, 0x201);
  }
  if ((loadflags & LOADED_HIGH) === 0) refuse('it is a zImage, loaded below 1 MiB', 0x211);
  if ((kernel.xloadflags & XLF_KERNEL_64) === 0)
    refuse('it has no 64-bit entry point (XLF_KERNEL_64)', 0x236);
  if (kernel.initSize < BigInt(kernel.payload.length) || kernel.initSize > MAX_INIT_SIZE) {
    const payload = humanSize(BigInt(kernel.payload.length));
    refuse(`init_size ${hex(kernel.initSize)} cannot be right for a payload of ${payload}`, 0x260);
  }
  const align = kernel.kernelAlignment;
  if (align === 0n || (align & (align - 1n)) !== 0n) {
    refuse(`kernel_alignment ${hex(align)} is no power of two`, 0x230);
  }
}

/** boot.rst: the text is at kernel_version + 0x200 and lies in the real-mode part. */
function versionString(raw: Buffer, setupEnd: number): string {
  const pointer = raw.readUInt16LE(0x20e);
  const start = pointer + 0x200;
  if (pointer === 0 || start >= setupEnd) return '';
  const end = raw.indexOf(0, start);
  const text = raw.toString('latin1', start, Math.min(end < 0 ? setupEnd : end, setupEnd, start + 256));
  return text.replace(/[^\x20-\x7e]/g, '?');
}
