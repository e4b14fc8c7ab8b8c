import { accessSync, constants, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { type Claim, claimFiles, claimPath, unguessable } from '../base/cleanup.ts';
import { bringOver, finishReplacing, forgetReplaced, noteReplaced, removeOld } from './bring-over.ts';
import { checkFile, replaceableFiles } from './check.ts';
import type { DirectoryForm, FileForm } from './forms.ts';
import { tryLock, waitForLock } from './lock.ts';
import { exchange, identity, moveNew } from './moves.ts';

/**
 * Gives a file that is written its name. What had the name is there until then, in one step.
 * @throws KhoforgeError `OUTPUT_EXISTS` when that is not ours; then the file is still where it was
 */
export function placeFile(file: string, path: string, form: FileForm, force: boolean): void {
  for (;;) {
    if (identity(path) === undefined) {
      if (moveNew(file, path)) return;
      continue;
    }
    checkFile(path, form, force);
    if (!exchange(file, path)) {
      renameSync(file, path);
      return;
    }
    if (isReplaceable(file, form, force)) {
      unlinkSync(file);
      return;
    }
    // Something else had come meanwhile.
    exchange(file, path);
  }
}

function isReplaceable(path: string, form: FileForm, force: boolean): boolean {
  try {
    checkFile(path, form, force);
    return true;
  } catch {
    return false;
  }
}

export interface WantedDirectory {
  readonly form: DirectoryForm;
  readonly force: boolean;
  readonly claim: Claim | undefined;
}

/**
 * Gives a folder that is filled its name. An image that had the name is there until then, in one step, and what stood
 * beside its files then stands beside these. Other writers of that name wait.
 * @param claim of the folder: it is released before the name is that of something else, but for files of ours
 * @throws KhoforgeError `OUTPUT_EXISTS` when what is there is not ours, `OUTPUT_BUSY`; then all is where it was
 */
export function placeDirectory(folder: string, path: string, wanted: WantedDirectory): void {
  const { form, force, claim } = wanted;
  const written = new Set(readdirSync(folder));
  for (;;) {
    if (identity(path) === undefined) {
      if (moveNew(folder, path)) return;
      continue;
    }
    // Says what is wrong with it where it is no directory.
    replaceableFiles(path, form, (name) => written.has(name), force);
    using lock = waitForLock(path);
    if (lock === undefined) continue;
    const before = identity(path);
    finishReplacing(path);
    const files = replaceableFiles(path, form, (name) => written.has(name), force);
    const hasOthers = readdirSync(path).some((name) => !files.has(name));
    if (files.size > 0) accessSync(path, constants.W_OK | constants.X_OK);
    if (hasOthers) noteReplaced(folder);
    // Once it has the name, others would take what is noted for the work of a run that was killed, and do it as well.
    using _own = tryLock(folder);
    // From here on its name may be that of the older image, with somebody's files in it: those stay.
    using _files = claim && claimFiles(folder, [...readdirSync(folder), ...files]);
    claim?.release();
    const undo = exchangeFolders(folder, path);
    if (identity(folder) === before) {
      keepOthers(folder, path, files, undo);
      return;
    }
    // Something that knows no locks put another folder there meanwhile.
    undo();
    forgetReplaced(folder);
  }
}

/** What is now called `folder` was `path`. */
function keepOthers(folder: string, path: string, files: ReadonlySet<string>, undo: () => void): void {
  try {
    bringOver(folder, path, files);
  } catch (error) {
    undo();
    forgetReplaced(folder);
    throw error;
  }
  forgetReplaced(path);
  using _claim = claimPath(folder);
  removeOld(folder, files);
}

/** @returns what gives them back their names */
function exchangeFolders(folder: string, path: string): () => void {
  if (exchange(folder, path)) return () => void exchange(folder, path);
  const aside = unguessable(`${folder}.`);
  renameSync(path, aside);
  try {
    renameSync(folder, path);
  } catch (error) {
    renameSync(aside, path);
    throw error;
  }
  renameSync(aside, folder);
  return () => {
    renameSync(folder, aside);
    renameSync(path, folder);
    renameSync(aside, path);
  };
}
