import { lstatSync, readdirSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { oursIn, plainJson } from './forms.ts';
import { moveNew } from './moves.ts';

/**
 * In a new image that has taken the place of an older one, until what somebody had put beside that is beside this: where
 * it is. A run that was killed in between leaves it, for the next one.
 */
const RECORD = '.khoforge-replaced.json';
const SCHEMA = 'khoforge-replaced';
const record = z.object({ schema: z.object({ name: z.literal(SCHEMA) }), folder: z.string() });

/** Says in a new image, which is called `folder` yet, that what will get that name has files to be brought over. */
export function noteReplaced(folder: string): void {
  const schema = { name: SCHEMA, version: 1 };
  writeFileSync(join(folder, RECORD), `${JSON.stringify({ schema, folder: basename(folder) })}\n`, {
    flag: 'wx',
  });
}

export function forgetReplaced(folder: string): void {
  rmSync(join(folder, RECORD), { force: true });
}

/** Goes on with what a run that was killed has begun. */
export function finishReplacing(path: string): void {
  const { data } = record.safeParse(plainJson(join(path, RECORD)));
  if (data === undefined) return;
  const folder = join(dirname(path), data.folder);
  const isIt = basename(data.folder) === data.folder && data.folder.startsWith(`.${basename(path)}.`);
  if (isIt && lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    const ours = new Set(oursIn(folder).flatMap(({ files }) => files));
    bringOver(folder, path, ours);
    removeOld(folder, ours);
  }
  forgetReplaced(path);
}

/**
 * Moves everything but the files named to another folder.
 * @throws Error of rename(2), or one that names what is there already; then all is where it was
 */
export function bringOver(from: string, to: string, without: ReadonlySet<string>): void {
  const moved: string[] = [];
  try {
    for (const name of readdirSync(from)) {
      if (without.has(name)) continue;
      if (!moveNew(join(from, name), join(to, name))) throw new Error(`${name} is there twice`);
      moved.push(name);
    }
  } catch (error) {
    for (const name of moved) moveNew(join(to, name), join(from, name));
    throw error;
  }
}

/** Removes the files named, and the folder, unless something else has come into it. */
export function removeOld(folder: string, files: Iterable<string>): void {
  for (const name of files) {
    try {
      unlinkSync(join(folder, name));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  rmdirSync(folder);
}
