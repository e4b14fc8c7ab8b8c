import { closeSync, readSync } from 'node:fs';
import { openRegular, unreadable } from '../base/regular-file.ts';

/** Bytes that are read in pieces: a vmlinux with debug information is hundreds of MiB, its BTF a few. */
export interface Source {
  /** What errors call it. */
  readonly file: string | undefined;
  /** Bytes. */
  readonly size: number;
  /** @returns exactly `length` bytes; the caller has checked that they lie below `size` */
  read(offset: number, length: number): Uint8Array;
}

export function memorySource(bytes: Uint8Array, file: string | undefined): Source {
  return {
    file,
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  };
}

/**
 * Opens a file for the time of one call.
 * @throws KhoforgeError `FILE_UNREADABLE` when it cannot be opened or read, is no regular file, or shrinks meanwhile
 */
export function withFile<T>(path: string, use: (source: Source) => T): T {
  const { descriptor, size } = openRegular(path);
  try {
    return use({
      file: path,
      size,
      read: (offset, length) => readExactly(descriptor, offset, length),
    });
  } catch (cause) {
    throw unreadable(path, cause);
  } finally {
    closeSync(descriptor);
  }
}

/** sysfs may hand out less than it is asked for. */
function readExactly(descriptor: number, offset: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const got = readSync(descriptor, bytes, done, length - done, offset + done);
    if (got === 0) throw new Error(`it ends at byte ${offset + done}, before ${offset + length}`);
    done += got;
  }
  return bytes;
}
