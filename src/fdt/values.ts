import type { Endian } from '../abi/target.ts';
import { KhoforgeError } from '../base/errors.ts';

// KHO writes its values as the C objects they are, in the byte order of the target (kernel/liveupdate/
// kexec_handover.c, 7.3: kho_add_subtree()), where a device tree has big-endian cells. Hence the endianness is in
// each name. The writers are Buffer's, which throw where DataView wraps.

/** A u32 in the byte order of the target. @throws RangeError when it does not fit */
export function u32Native(value: number, endian: Endian): Uint8Array {
  return endian === 'little' ? fill(4, (b) => b.writeUInt32LE(value)) : u32be(value);
}

/** A u64 or phys_addr_t in the byte order of the target. @throws RangeError when it does not fit */
export function u64Native(value: bigint, endian: Endian): Uint8Array {
  return endian === 'little' ? fill(8, (b) => b.writeBigUInt64LE(value)) : u64be(value);
}

/** One cell of a device tree. @throws RangeError when it does not fit */
export function u32be(value: number): Uint8Array {
  return fill(4, (b) => b.writeUInt32BE(value));
}

/** Two cells of a device tree, the upper half first. @throws RangeError when it does not fit */
export function u64be(value: bigint): Uint8Array {
  return fill(8, (b) => b.writeBigUInt64BE(value));
}

/** UTF-8 and a NUL. @throws KhoforgeError `FDT_NUL_IN_STRING` when the text holds a NUL of its own */
export function cString(text: string): Uint8Array {
  if (text.includes('\0')) {
    throw new KhoforgeError('FDT_NUL_IN_STRING', `string '${text.replaceAll('\0', '\\0')}' holds a NUL`, {
      hint: 'give the bytes instead of a string',
    });
  }
  return Buffer.from(`${text}\0`, 'utf8');
}

/** The value as a native u32; undefined unless it is exactly 4 bytes, as the kernel demands. */
export function asU32Native(value: Uint8Array, endian: Endian): number | undefined {
  const data = view(value);
  return value.length === 4 ? data.getUint32(0, endian === 'little') : undefined;
}

/** The value as a native u64; undefined unless it is exactly 8 bytes, as the kernel demands. */
export function asU64Native(value: Uint8Array, endian: Endian): bigint | undefined {
  const data = view(value);
  return value.length === 8 ? data.getBigUint64(0, endian === 'little') : undefined;
}

/** The value as one big-endian cell; undefined unless it is exactly 4 bytes. */
export function asU32be(value: Uint8Array): number | undefined {
  return asU32Native(value, 'big');
}

/** The value as two big-endian cells; undefined unless it is exactly 8 bytes. */
export function asU64be(value: Uint8Array): bigint | undefined {
  return asU64Native(value, 'big');
}

/** The value as one string; undefined unless its only NUL is its last byte and the rest is UTF-8. */
export function asCString(value: Uint8Array): string | undefined {
  if (value.indexOf(0) !== value.length - 1 || value.length === 0) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value.subarray(0, -1));
  } catch {
    return undefined;
  }
}

function fill(size: number, write: (buffer: Buffer) => void): Uint8Array {
  const buffer = Buffer.alloc(size);
  write(buffer);
  return buffer;
}

function view(value: Uint8Array): DataView {
  return new DataView(value.buffer, value.byteOffset, value.byteLength);
}
