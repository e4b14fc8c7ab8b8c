import { readdirSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { ExitCode, KhoforgeError, reason } from '../base/errors.ts';
import { readText, specOfText } from '../specfile/load.ts';
import { type Case, FIXTURES_FOLDER, loadCatalogue } from '../suite/catalogue.ts';
import { keyOf, type SuiteKernel } from '../suite/kernel.ts';
import { whyNot } from '../suite/run-case.ts';
import { sha256 } from '../suite/run-log.ts';
import { Base } from './base.ts';

export interface Bases {
  readonly bases: readonly Base[];
  /** Names a set of bases: another set gives other runs. */
  readonly digest: string;
}

/** A part of the catalogue that weighs as much as all others together. */
const EVERY_USER = 'every-user/';

/**
 * What mutations start from: the good cases of the catalogue that the kernel revives.
 * @throws KhoforgeError of loadCatalogue(); `CORPUS_EMPTY`
 */
export function catalogueBases(kernel: SuiteKernel): Bases {
  const cases = loadCatalogue(FIXTURES_FOLDER).filter((one) => isGood(one, kernel));
  const every = cases.filter(({ name }) => name.startsWith(EVERY_USER));
  const rest = cases.filter((one) => !every.includes(one));
  const times = Math.max(1, Math.floor(rest.length / Math.max(1, every.length)));
  return basesOf([...rest, ...Array.from({ length: times }, () => every).flat()], 'the catalogue', kernel);
}

/**
 * The specs of a folder, or one spec, for any kernel or for this one.
 * @throws KhoforgeError of loadSpec(); `CORPUS_EMPTY`, `CORPUS_UNREADABLE`
 */
export function folderBases(path: string, kernel: SuiteKernel): Bases {
  const files = specsIn(path).map((file) => ({ file, name: relative(path, file) || basename(file) }));
  return basesOf(files, path, kernel);
}

function basesOf(files: readonly Pick<Case, 'file' | 'name'>[], where: string, kernel: SuiteKernel): Bases {
  const read = new Map<string, Base>();
  const bases = files.map(({ name, file }) => {
    const known = read.get(file);
    if (known) return known;
    const text = readText(file);
    const base = new Base(name, file, text, specOfText(text, file), kernel);
    read.set(file, base);
    return base;
  });
  const all = bases.map((base) => base.digest()).join('\n');
  if (bases.length > 0) return { bases, digest: sha256(all).slice(0, 16) };
  throw new KhoforgeError('CORPUS_EMPTY', `${where} has no spec that mutations could start from`, {
    where: { file: where },
  });
}

function isGood(one: Case, kernel: SuiteKernel): boolean {
  if (one.text.handover !== 'good' || whyNot(one, kernel) !== undefined) return false;
  const recorded = one.text.outcomes?.[keyOf(kernel)];
  return recorded === undefined || (recorded.fate === 'revives' && !recorded.flaky);
}

function specsIn(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
    return names
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .map((name) => join(path, name));
  } catch (cause) {
    throw new KhoforgeError('CORPUS_UNREADABLE', `cannot read ${path}: ${reason(cause)}`, {
      where: { file: path },
      exitCode: ExitCode.badInput,
      cause,
    });
  }
}
