import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { native } from '../memory/native.ts';

/** What a path is the name of: the same for two names of one file or folder. Undefined when nothing is there. */
export function identity(path: string): string | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat && `${stat.dev} ${stat.ino}`;
}

/** Gives a file or folder another name. @returns false when something has that name: it stays */
export function moveNew(from: string, to: string): boolean {
  try {
    native().moveFile(from, to, 0);
    return true;
  } catch (error) {
    if (errnoOf(error) === constants.errno.EEXIST) return false;
    if (isUnsupported(error)) return moveNewPlainly(from, to);
    throw error;
  }
}

/** Two files or folders get each other's names, in one step. @returns false where the file system cannot */
export function exchange(one: string, other: string): boolean {
  try {
    native().moveFile(one, other, 1);
    return true;
  } catch (error) {
    if (isUnsupported(error)) return false;
    throw error;
  }
}

/** link(2) does not replace, nor does rename(2) of a folder, but an empty one. */
function moveNewPlainly(from: string, to: string): boolean {
  if (identity(to) !== undefined) return false;
  try {
    if (lstatSync(from).isFile()) {
      linkSync(from, to);
      unlinkSync(from);
    } else renameSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'EEXIST' || error.code === 'ENOTEMPTY'))
      return false;
    throw error;
  }
}

/** NFS, FUSE and others (renameat2(2)). */
function isUnsupported(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === constants.errno.EINVAL || errno === constants.errno.ENOSYS;
}

/** As the addon tells it: a positive number. */
function errnoOf(error: unknown): unknown {
  return error instanceof Error && 'errno' in error ? error.errno : undefined;
}
