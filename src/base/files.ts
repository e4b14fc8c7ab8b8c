import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ExitCode, KhoforgeError } from './errors.ts';

/** @throws KhoforgeError `FILE_UNREADABLE` naming the file and the reason */
export function readInput(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new KhoforgeError('FILE_UNREADABLE', `cannot read ${path}: ${reason(cause)}`, {
      where: { file: path },
      cause,
    });
  }
}

/**
 * Fills a directory beside `path` and renames it into place, so that a failure leaves nothing half done.
 * @param replaceable tells whether an existing directory at `path` is one of ours, which may be replaced
 * @param folder where it is filled, in the same folder as `path`; stays when it fails. Default: a new one, which goes
 * @throws KhoforgeError `OUTPUT_EXISTS`, `OUTPUT_FAILED`
 */
export function writeDirectory(
  path: string,
  replaceable: (existing: string) => boolean,
  fill: (directory: string) => void,
  folder?: string,
): void {
  let temporary: string | undefined;
  try {
    makeFolders(dirname(path));
    if (folder === undefined) temporary = makeTemporary(path);
    fill(temporary ?? folder ?? path);
    removeOld(path, replaceable);
    renameSync(temporary ?? folder ?? path, path);
  } catch (cause) {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
    if (cause instanceof KhoforgeError) throw cause;
    throw outputFailed(path, cause);
  }
}

function outputFailed(path: string, cause: unknown): KhoforgeError {
  return new KhoforgeError('OUTPUT_FAILED', `cannot write ${path}: ${reason(cause)}`, {
    where: { file: path },
    exitCode: ExitCode.couldNotRun,
    cause,
  });
}

/**
 * Writes a file beside `path` and renames it into place, so that a failure leaves nothing half done.
 * @param replaceable tells by its first 64 bytes whether an existing file is one of ours, which may be replaced
 * @throws KhoforgeError `OUTPUT_EXISTS`, `OUTPUT_FAILED`
 */
export function writeFileWhole(
  path: string,
  replaceable: (head: Buffer) => boolean,
  fill: (descriptor: number) => void,
): void {
  let temporary: string | undefined;
  try {
    const existing = statSync(path, { throwIfNoEntry: false });
    if (existing !== undefined && !(existing.isFile() && replaceable(headOf(path)))) {
      throw new KhoforgeError('OUTPUT_EXISTS', `${path} exists and is no older image of this form`, {
        where: { file: path },
        hint: 'choose another name, or remove it',
      });
    }
    makeFolders(dirname(path));
    const partial = `${path}.${process.pid}.partial`;
    const descriptor = openSync(partial, 'w');
    temporary = partial;
    try {
      fill(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(partial, path);
  } catch (cause) {
    if (temporary !== undefined) rmSync(temporary, { force: true });
    if (cause instanceof KhoforgeError) throw cause;
    throw outputFailed(path, cause);
  }
}

function headOf(path: string): Buffer {
  const head = Buffer.alloc(64);
  const descriptor = openSync(path, 'r');
  try {
    readSync(descriptor, head, 0, head.length, 0);
  } finally {
    closeSync(descriptor);
  }
  return head;
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

function makeTemporary(path: string): string {
  const temporary = mkdtempSync(join(dirname(path), `.${basename(path)}.`));
  // mkdtemp makes it private; the result is an ordinary directory.
  chmodSync(temporary, 0o777 & ~process.umask());
  return temporary;
}

/** Not mkdir's own `recursive`: on a path below /proc it never returns in Node 20. */
function makeFolders(path: string): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path));
  mkdirSync(path);
}

function removeOld(path: string, replaceable: (existing: string) => boolean): void {
  if (!existsSync(path)) return;
  const ours = statSync(path).isDirectory() && (readdirSync(path).length === 0 || replaceable(path));
  if (!ours) {
    throw new KhoforgeError('OUTPUT_EXISTS', `${path} exists and is no khoforge image`, {
      where: { file: path },
      hint: 'choose another directory, or remove it',
    });
  }
  rmSync(path, { recursive: true });
}

/** What the operating system said, without the stack. */
export function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
