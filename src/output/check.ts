import { lstatSync, readdirSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { reason } from '../base/files.ts';
import { humanSize } from '../base/numbers.ts';
import {
  DIRECTORY_FORMS,
  type DirectoryForm,
  type FileForm,
  type Form,
  formOfFile,
  isDirectoryForm,
  oursIn,
} from './forms.ts';
import { identity } from './moves.ts';

export interface CheckOptions {
  /** What is not ours may be replaced: a file, or those in a directory that have names of ours. */
  readonly force?: boolean;
  /** Paths that are read: the output may be none of them. */
  readonly sources?: readonly (string | undefined)[];
  /** Names of files in the directory beside those of its form. */
  readonly extra?: readonly string[];
}

/**
 * Looks at what stands where something is to be written, before any work is done: what is ours, by its content, may be
 * replaced, and what `force` allows.
 * @throws KhoforgeError `USAGE` for no name at all; `OUTPUT_IS_LINK`, `OUTPUT_IS_SOURCE`, `OUTPUT_EXISTS`, `OUTPUT_FAILED`
 */
export function checkOutput(path: string, form: Form, options: CheckOptions = {}): void {
  try {
    check(path, form, options);
  } catch (cause) {
    throw outputFailed(path, cause);
  }
}

/** What the system refused, as an error that names the output. */
export function outputFailed(path: string, cause: unknown): KhoforgeError {
  if (cause instanceof KhoforgeError) return cause;
  return new KhoforgeError('OUTPUT_FAILED', `cannot write ${path}: ${reason(cause)}`, {
    where: { file: path },
    exitCode: ExitCode.couldNotRun,
    cause,
  });
}

function check(path: string, form: Form, { force = false, sources = [], extra = [] }: CheckOptions): void {
  if (path === '') throw new KhoforgeError('USAGE', 'the output has no name', { hint: 'add -o PATH' });
  const stat = lstatSync(resolve(path), { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (stat.isSymbolicLink()) throw isLink(path);
  for (const source of sources) if (source !== undefined) refuseSource(path, source);
  if (!isDirectoryForm(form)) {
    checkFile(path, form, force);
  } else {
    const { names } = DIRECTORY_FORMS[form];
    replaceableFiles(path, form, (name) => names.test(name) || extra.includes(name), force);
  }
}

/** What a file is that is not ours, where one of a form is to be written. */
const FOREIGN: Readonly<Record<FileForm, string>> = {
  core: 'no older image of this form',
  elf: 'no older image of this form',
  profile: 'no ABI profile',
  log: 'a file with something in it',
};

/** @throws KhoforgeError `OUTPUT_EXISTS` */
export function checkFile(path: string, form: FileForm, force: boolean): void {
  const stat = lstatSync(path);
  if (!stat.isFile()) throw exists(path, `is ${kindOf(stat)}`, 'choose another name');
  const found = formOfFile(path);
  if (found === form || force) return;
  if (form === 'log' && stat.size === 0) return;
  const what = found === undefined ? FOREIGN[form] : `an output of another form (${found})`;
  throw exists(
    path,
    `is ${what}: its ${humanSize(BigInt(stat.size))} would be lost`,
    'choose another name; with --force it is replaced',
  );
}

/**
 * The names in a directory that go when an image takes its place; what else is there stays.
 * @param isWritten tells the names that the image has
 * @throws KhoforgeError `OUTPUT_EXISTS` when that is not ours, or cannot go
 */
export function replaceableFiles(
  path: string,
  form: DirectoryForm,
  isWritten: (name: string) => boolean,
  force: boolean,
): ReadonlySet<string> {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) throw exists(path, `is ${kindOf(stat)}`, 'choose another name');
  if (identity(path) === identity('.')) {
    throw exists(path, 'is the current directory, which cannot be replaced', 'name a directory in it');
  }
  const names = readdirSync(path);
  const ours = oursIn(path);
  const ourFiles = new Set(ours.flatMap(({ files }) => files));
  const lost = names.filter((name) => isWritten(name) && !ourFiles.has(name));
  const folder = names.find(
    (name) => (ourFiles.has(name) || lost.includes(name)) && lstatSync(join(path, name)).isDirectory(),
  );
  if (folder !== undefined)
    throw exists(path, `has a directory where a file of that name would be: ${folder}`, 'move it away');
  if (!force) {
    const other = ours.find((one) => one.form !== form);
    if (other !== undefined) throw foreign(path, `an image of another form (${other.form})`, other.files);
    if (ours.length === 0 && names.length > 0) throw foreign(path, 'no khoforge image', lost);
    if (lost.length > 0) throw foreign(path, 'an image with files that are not of it', lost);
  }
  return new Set([...ourFiles, ...lost].filter((name) => names.includes(name)));
}

const SHOWN = 5;

function foreign(path: string, what: string, lost: readonly string[]): KhoforgeError {
  const more = lost.length > SHOWN ? ` and ${lost.length - SHOWN} more` : '';
  const names = lost.slice(0, SHOWN).join(', ');
  const loss =
    lost.length > 0 ? `${names}${more} would be lost` : 'an image would be put among what is there';
  const hint = lost.length > 0 ? 'just these are replaced' : 'it is put there';
  return exists(path, `is ${what}: ${loss}`, `choose another directory; with --force ${hint}`);
}

const exists = (path: string, what: string, hint: string) =>
  new KhoforgeError('OUTPUT_EXISTS', `${path} exists and ${what}`, { where: { file: path }, hint });

function kindOf(stat: Stats): string {
  if (stat.isFile()) return 'a file';
  return stat.isDirectory() ? 'a directory' : 'no regular file';
}

/** Nobody can tell whether what it leads to is meant, or what somebody else made it lead to. */
function isLink(path: string): KhoforgeError {
  const to = readlinkSync(resolve(path));
  return new KhoforgeError('OUTPUT_IS_LINK', `${path} is a link to ${to}`, {
    where: { file: path },
    hint: `name what is to be written itself: ${resolve(path, '..', to)}`,
  });
}

/** @throws KhoforgeError `OUTPUT_IS_SOURCE` when the source would be gone with what is replaced */
function refuseSource(path: string, source: string): void {
  if (statSync(source, { throwIfNoEntry: false }) === undefined) return;
  const read = parts(realpathSync(source));
  const replaced = parts(path);
  if (![...replaced].some((one) => read.has(one))) return;
  const what = `${path} and ${source} are the same, or one is a part of the other`;
  throw new KhoforgeError('OUTPUT_IS_SOURCE', `${what}: it is read, and cannot be replaced by what is made`, {
    where: { file: path },
    hint: 'choose another name for the output',
  });
}

/** What a path is, and the files of the images in it. */
function parts(path: string): ReadonlySet<string | undefined> {
  const files = oursIn(path).flatMap((one) => one.files.map((name) => join(path, name)));
  return new Set([path, ...files].map(identity).filter((one) => one !== undefined));
}
