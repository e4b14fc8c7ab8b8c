import { existsSync, mkdirSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { readRegular } from './regular-file.ts';

export { reason } from './errors.ts';

/** @throws KhoforgeError `FILE_UNREADABLE` naming the file and the reason; of a pipe or device too */
export function readInput(path: string): Uint8Array {
  return readRegular(path);
}

/**
 * write(2) may take less than it is given, without an error, when a disk is nearly full.
 * @param position offset in the file; default: behind what was written last
 */
export function writeAll(descriptor: number, bytes: Uint8Array, position?: number): void {
  for (let done = 0; done < bytes.length; ) {
    const at = position === undefined ? null : position + done;
    done += writeSync(descriptor, bytes, done, bytes.length - done, at);
  }
}

/** As `writeAll` for bytes that stand one after the other. */
export function writeParts(descriptor: number, parts: Iterable<Uint8Array>, position: number): void {
  let at = position;
  for (const part of parts) {
    writeAll(descriptor, part, at);
    at += part.length;
  }
}

/** Not mkdir's own `recursive`: on a path below /proc it never returns in Node 20. */
export function makeFolders(path: string): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path));
  mkdirSync(path);
}
