import { gunzipSync } from 'node:zlib';
import { KhoforgeError } from '../../base/errors.ts';
import { Elf } from '../../elf/elf.ts';
import { isElf, PT_LOAD } from '../../elf/format.ts';
import { memorySource } from '../../elf/source.ts';
import { type BzImage, SETUP_HEADER_OFFSET } from './bzimage.ts';

/** The kernel in a bzImage as it is in memory once it has unpacked itself. */
export interface UnpackedKernel {
  /** From the address on that the bzImage is loaded at. */
  readonly bytes: Uint8Array;
  /** Bytes from there to the code that its unpacker jumps to. */
  readonly entry: bigint;
}

/** Of the setup header (Documentation/arch/x86/boot.rst, 7.3). */
const PAYLOAD_OFFSET = 0x248 - SETUP_HEADER_OFFSET;
const PAYLOAD_LENGTH = 0x24c - SETUP_HEADER_OFFSET;
const MAX_LOADS = 64;

/** By its file: many boots of one kernel unpack it once. */
const known = new WeakMap<Uint8Array, UnpackedKernel | undefined>();

/**
 * Does what the kernel's own code does before it jumps (7.3, arch/x86/boot/compressed/misc.c: decompress_kernel(),
 * parse_elf()), but for addresses that KASLR chooses.
 * @param file what `kernel` was read from
 * @returns undefined when that is not all: it is packed by other means than gzip, it has relocations, or it is damaged, and
 *   its own code will say so
 */
export function unpackKernel(kernel: BzImage, file: Uint8Array): UnpackedKernel | undefined {
  if (!known.has(file)) known.set(file, unpack(kernel));
  return known.get(file);
}

function unpack({ setupHeader, payload, prefAddress, initSize }: BzImage): UnpackedKernel | undefined {
  const header = new DataView(setupHeader.buffer, setupHeader.byteOffset, setupHeader.length);
  const start = header.getUint32(PAYLOAD_OFFSET, true);
  const packed = payload.subarray(start, start + header.getUint32(PAYLOAD_LENGTH, true));
  const vmlinux = gunzip(packed, Number(initSize));
  return vmlinux && isElf(vmlinux) ? laidOut(vmlinux, prefAddress, Number(initSize)) : undefined;
}

/** Undefined for what is not all of a gzip file, or is larger than `limit`. */
function gunzip(bytes: Uint8Array, limit: number): Uint8Array | undefined {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return undefined;
  try {
    return gunzipSync(bytes, { maxOutputLength: limit });
  } catch {
    return undefined;
  }
}

/** Its parts where they run, if the kernel is linked to run from `linked` on. */
function laidOut(vmlinux: Uint8Array, linked: bigint, limit: number): UnpackedKernel | undefined {
  try {
    const elf = new Elf(memorySource(vmlinux, undefined));
    const { headers, missing } = elf.programHeaders();
    const loads = headers.filter(({ type }) => type === PT_LOAD);
    // Relocations follow the ELF file (arch/x86/boot/compressed/Makefile: vmlinux.bin.all, 7.3).
    if (missing.length > 0 || loads.length > MAX_LOADS || elf.end < vmlinux.length) return undefined;
    const parts = loads.map(({ offset, phys, fileSize }) => {
      const [from, to, size] = [Number(offset), Number(phys - linked), Number(fileSize)];
      return { from, to, size, isInside: to >= 0 && to + size <= limit && from + size <= vmlinux.length };
    });
    if (!parts.every(({ isInside }) => isInside)) return undefined;
    const end = Math.max(0, ...parts.map(({ to, size }) => to + size));
    const bytes = Buffer.alloc(end);
    for (const { from, to, size } of parts) bytes.set(vmlinux.subarray(from, from + size), to);
    const entry = elf.entry - linked;
    return entry >= 0n && entry < BigInt(end) ? { bytes, entry } : undefined;
  } catch (error) {
    if (error instanceof KhoforgeError) return undefined;
    throw error;
  }
}
