import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { claimPath, unguessable } from '../base/cleanup.ts';
import { KhoforgeError } from '../base/errors.ts';
import { makeFolders } from '../base/files.ts';
import { unreadPages } from '../memory/native.ts';
import { refuseUnread } from '../memory/unread.ts';
import { checkOutput, outputFailed } from './check.ts';
import type { DirectoryForm, FileForm } from './forms.ts';
import { identity } from './moves.ts';
import { placeDirectory, placeFile } from './place.ts';

/** What every function takes that writes an image. */
export interface OutputOptions {
  /** Also what is not ours is replaced: a file, or those in a directory that have names of ours. */
  readonly force?: boolean;
  /** Called when all is written, before it takes its place: the last chance to throw. */
  readonly onWritten?: () => void;
}

interface Output<Form> extends OutputOptions {
  readonly form: Form;
  /** Permission bits of its files; undefined: those of any new file. */
  readonly mode: number | undefined;
}

export interface DirectoryOutput extends Output<DirectoryForm> {
  /** Where it is filled: a name beside `path` that nothing has yet. Default: one that nobody can guess. */
  readonly temporary?: string;
  /** Where it is filled instead: a folder that `fill` makes, and that stays when this fails, unless it holds what is wrong. */
  readonly kept?: string;
}

/**
 * Fills a directory beside `path`, which then takes its place in one step; a failure leaves what was there.
 * @throws KhoforgeError of checkOutput(), `OUTPUT_BUSY`, `OUTPUT_FAILED`, `SOURCE_SHRANK`
 */
export function writeDirectory(path: string, output: DirectoryOutput, fill: (folder: string) => void): void {
  const { form, force = false, kept } = output;
  checkOutput(path, form, { force });
  const target = resolve(path);
  const folder = resolve(kept ?? output.temporary ?? temporaryName(target));
  using claim = kept === undefined ? claimPath(folder) : undefined;
  const before = unreadPages();
  let made: string | undefined;
  try {
    makeFolders(dirname(target));
    if (kept === undefined) {
      mkdirSync(folder, { mode: 0o700 });
      made = identity(folder);
    }
    fill(folder);
    settleFiles(folder, output.mode);
    refuseUnread(before);
    output.onWritten?.();
    chmodSync(folder, folderMode(output.mode));
    placeDirectory(folder, target, { form, force, claim });
    sync(dirname(target));
  } catch (cause) {
    // Once it has taken its place, its name is that of what somebody had there.
    const isWrong = kept !== undefined && cause instanceof KhoforgeError && cause.code === 'SOURCE_SHRANK';
    if (isWrong || (made !== undefined && identity(folder) === made)) {
      rmSync(folder, { recursive: true, force: true });
    }
    throw outputFailed(path, cause);
  }
}

/**
 * Writes a file beside `path`, which then takes its place in one step; a failure leaves what was there.
 * @throws KhoforgeError of checkOutput(), `OUTPUT_FAILED`, `SOURCE_SHRANK`
 */
export function writeFileWhole(
  path: string,
  output: Output<FileForm>,
  fill: (descriptor: number) => void,
): void {
  const { form, force = false, mode = 0o666 & ~process.umask() } = output;
  checkOutput(path, form, { force });
  const target = resolve(path);
  const file = temporaryName(target);
  using _claim = claimPath(file);
  const before = unreadPages();
  let made: string | undefined;
  try {
    makeFolders(dirname(target));
    const descriptor = openSync(file, NEW_FILE, 0o600);
    made = identity(file);
    try {
      fill(descriptor);
      fchmodSync(descriptor, mode | OWNER);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    refuseUnread(before);
    output.onWritten?.();
    placeFile(file, target, form, force);
    sync(dirname(target));
  } catch (cause) {
    if (made !== undefined && identity(file) === made) rmSync(file, { force: true });
    throw outputFailed(path, cause);
  }
}

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Read and write. */
const OWNER = 0o600;

/** What the names of temporary files and folders beside `path` begin with; what follows has no dot. */
export const temporaryPrefix = (path: string): string => join(dirname(path), `.${basename(path)}.`);

const temporaryName = (path: string): string => unguessable(temporaryPrefix(path));

/** Its files get their permissions, and are on the disk when this returns. */
function settleFiles(folder: string, mode: number | undefined): void {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    if (mode !== undefined) chmodSync(file, mode | OWNER | (statSync(file).mode & 0o100));
    sync(file);
  }
  sync(folder);
}

/** Who may read its files may also search it. */
function folderMode(mode: number | undefined): number {
  return mode === undefined ? 0o777 & ~process.umask() : mode | OWNER | 0o100 | ((mode & 0o044) >> 2);
}

function sync(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
