import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { KhoforgeError, reason } from './errors.ts';

/** An open file; whoever opened it closes the descriptor. */
export interface OpenFile {
  readonly descriptor: number;
  /** Bytes; 0 also of files of /proc and sysfs, which have none before they are read. */
  readonly size: number;
  readonly mode: number;
}

export interface OpenOptions {
  readonly inside?: boolean;
}

/**
 * Opens an input for reading. A pipe is not waited for, and a device is not read: neither has an end that can be known,
 * and no part of an input can be looked at twice in them.
 * @param options.inside it is part of a directory that was named: what a link there leads to nobody has named
 * @throws KhoforgeError `FILE_UNREADABLE` naming the file and the reason
 */
export function openRegular(path: string, { inside = false }: OpenOptions = {}): OpenFile {
  let descriptor: number | undefined;
  try {
    if (path.includes('\0')) throw new Error(NUL_IN_NAME);
    const follow = inside ? constants.O_NOFOLLOW : 0;
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | follow);
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw irregular(path, stat);
    return { descriptor, size: stat.size, mode: stat.mode };
  } catch (cause) {
    if (descriptor !== undefined) closeSync(descriptor);
    if (inside && isLink(path)) throw linked(path, cause);
    throw unreadable(path, cause);
  }
}

const isLink = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;

function linked(path: string, cause: unknown): KhoforgeError {
  return new KhoforgeError('FILE_UNREADABLE', `cannot read ${path}: a symbolic link, no regular file`, {
    where: { file: path },
    hint: 'what it leads to is not read as part of the directory: copy it there (cp -L)',
    cause,
  });
}

/** POSIX has no such names, and Node's own words for one are about the argument of a function. */
const NUL_IN_NAME = 'no file has a NUL in its name';

/** All bytes of an input. @throws KhoforgeError `FILE_UNREADABLE`, `FILE_TOO_LARGE` */
export function readRegular(
  path: string,
  most = Number.POSITIVE_INFINITY,
  options: OpenOptions = {},
): Uint8Array {
  const { descriptor, size } = openRegular(path, options);
  try {
    if (size > most) {
      throw new KhoforgeError('FILE_TOO_LARGE', `${path} has ${size} bytes: at most ${most} are read`, {
        where: { file: path },
      });
    }
    return readFileSync(descriptor);
  } catch (cause) {
    throw unreadable(path, cause);
  } finally {
    closeSync(descriptor);
  }
}

/** An error of a file that cannot be read; one that tells it already stays what it is. */
export function unreadable(path: string, cause: unknown): KhoforgeError {
  if (cause instanceof KhoforgeError) return cause;
  return new KhoforgeError('FILE_UNREADABLE', `cannot read ${path}: ${reason(cause)}`, {
    where: { file: path },
    cause,
  });
}

function irregular(path: string, stat: Stats): KhoforgeError {
  const streams = stat.isFIFO() || stat.isSocket() || stat.isCharacterDevice();
  return new KhoforgeError('FILE_UNREADABLE', `cannot read ${path}: ${kindOf(stat)}, no regular file`, {
    where: { file: path },
    hint: stat.isDirectory()
      ? 'name a file in it'
      : streams
        ? 'write what comes out of it to a file, and give that'
        : 'copy it to a file, and give that',
  });
}

function kindOf(stat: Stats): string {
  if (stat.isDirectory()) return 'a directory';
  if (stat.isFIFO()) return 'a pipe (FIFO)';
  if (stat.isSocket()) return 'a socket';
  if (stat.isCharacterDevice()) return 'a character device';
  return 'a block device';
}
