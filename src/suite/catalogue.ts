import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { reason } from '../base/files.ts';
import { packageFile } from '../base/package.ts';
import { didYouMean } from '../base/suggest.ts';
import type { CaseText } from '../specfile/case-schema.ts';
import { type LoadedSpec, loadSpec } from '../specfile/load.ts';

/** A question to a kernel: a spec, what it is about, and what kernels answered so far. */
export interface Case {
  /** Its path in the catalogue without `.yaml`, e.g. `scratch/overlap`. */
  readonly name: string;
  readonly file: string;
  readonly text: CaseText;
  readonly loaded: LoadedSpec;
}

/** The catalogue that comes with khoforge. */
export const FIXTURES_FOLDER = packageFile('fixtures/');

/**
 * The cases of a catalogue, by name.
 * @param filters texts of which a name must contain one, with `*` for any characters; none: all
 * @throws KhoforgeError `CATALOGUE_UNREADABLE`; `CASE_UNKNOWN` for a filter that fits none; of loadSpec(), and
 *   `CASE_MISSING` for a spec that is no case
 */
export function loadCatalogue(folder: string, filters: readonly string[] = []): Case[] {
  const files = filesIn(folder);
  const names = new Map(files.map((file) => [nameOf(folder, file), file]));
  for (const filter of filters) {
    if (![...names.keys()].some(matcher(filter))) throw unknown(filter, [...names.keys()]);
  }
  const matchers = filters.map(matcher);
  return [...names]
    .filter(([name]) => matchers.length === 0 || matchers.some((matches) => matches(name)))
    .map(([name, file]) => loadCase(name, file));
}

/** It stands in reports, and names folders and logs. */
const NAME = /^(?!.*(?:^|\/)\.+(?:\/|$))[\w.+-]+(?:\/[\w.+-]+)*$/;

function loadCase(name: string, file: string): Case {
  if (!NAME.test(name)) {
    throw new KhoforgeError('CASE_NAME', `${file} is no name of a case`, {
      where: { file },
      hint: 'letters, digits, and . _ + - are',
    });
  }
  const loaded = loadSpec(file);
  if (loaded.spec.case) return { name, file, text: loaded.spec.case, loaded };
  throw new KhoforgeError('CASE_MISSING', `${file} is a spec and no case: it has no key 'case'`, {
    where: { file },
    hint: 'docs/suite.md says what makes a case',
  });
}

function filesIn(folder: string): string[] {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return names
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch (cause) {
    throw new KhoforgeError('CATALOGUE_UNREADABLE', `cannot read the catalogue ${folder}: ${reason(cause)}`, {
      where: { file: folder },
      exitCode: ExitCode.badInput,
      cause,
    });
  }
}

const nameOf = (folder: string, file: string) => relative(folder, file).replace(/\.ya?ml$/, '');

function matcher(filter: string): (name: string) => boolean {
  const parts = filter.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  const pattern = new RegExp(parts.join('.*'));
  return (name) => pattern.test(name);
}

function unknown(filter: string, names: readonly string[]): KhoforgeError {
  return new KhoforgeError('CASE_UNKNOWN', `no case is called '${filter}'`, {
    hint: didYouMean(filter, names).hint ?? '`khoforge suite --list` lists them',
  });
}
