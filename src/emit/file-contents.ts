import { closeSync, fstatSync, readSync } from 'node:fs';
import { KhoforgeError } from '../base/errors.ts';
import { openRegular, unreadable } from '../base/regular-file.ts';
import { type Contents, held, MAX_HELD } from '../memory/contents.ts';
import { native } from '../memory/native.ts';

/**
 * What a file holds, read when it is needed unless it is little.
 * @throws KhoforgeError `FILE_UNREADABLE`, when it is read also `FILE_CHANGED`
 */
export function fileContents(path: string): Contents {
  const identity = withFile(path, (_fd, found) => found);
  const { size } = identity;
  const read = (offset: number, length: number): Uint8Array =>
    withFile(path, (fd, found) => {
      const same = found.ino === identity.ino && found.size === size && found.mtimeMs === identity.mtimeMs;
      const bytes = Buffer.alloc(length);
      let done = 0;
      for (let got = 1; same && done < length && got > 0; done += got) {
        got = readSync(fd, bytes, done, length - done, offset + done);
      }
      if (done === length) return bytes;
      throw new KhoforgeError('FILE_CHANGED', `${path} changed while it was read`, {
        where: { file: path },
        hint: 'build again when nothing writes to it',
      });
    });
  const zeroUntil = (offset: number): number =>
    withFile(path, (fd) => Number(native().nextData(fd, BigInt(offset), BigInt(size))));
  return size <= MAX_HELD ? held(read(0, size)) : { size, zeroUntil, read };
}

interface Identity {
  readonly ino: number;
  /** Bytes. */
  readonly size: number;
  readonly mtimeMs: number;
}

/** Opened each time: contents have no end at which they could be closed. */
function withFile<T>(path: string, use: (descriptor: number, found: Identity) => T): T {
  const { descriptor } = openRegular(path);
  try {
    return use(descriptor, fstatSync(descriptor));
  } catch (cause) {
    throw unreadable(path, cause);
  } finally {
    closeSync(descriptor);
  }
}
