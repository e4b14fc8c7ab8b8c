import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { KhoforgeError } from '../base/errors.ts';
import { reason } from '../base/files.ts';

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
  let descriptor: number | undefined;
  try {
    const opened = openSync(path, 'r');
    descriptor = opened;
    const stat = fstatSync(opened);
    if (!stat.isFile()) throw new Error('no regular file');
    return use({
      file: path,
      size: stat.size,
      read: (offset, length) => readExactly(opened, offset, length),
    });
  } catch (cause) {
    if (cause instanceof KhoforgeError) throw cause;
    throw new KhoforgeError('FILE_UNREADABLE', `cannot read ${path}: ${reason(cause)}`, {
      where: { file: path },
      cause,
    });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
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
