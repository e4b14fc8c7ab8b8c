import { dirname, resolve } from 'node:path';
import { type Document, isAlias, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { changed, ExitCode, KhoforgeError, reason } from '../base/errors.ts';
import { readRegular } from '../base/regular-file.ts';
import { pathText, type SpecPath } from '../base/spec-path.ts';
import { type ShortenedSpec, shorten } from './long-lists.ts';
import { parseSpec } from './parse.ts';
import type { ParsedSpec } from './schema.ts';

type LongLists = ShortenedSpec['lists'];

export interface LoadedSpec {
  readonly spec: ParsedSpec;
  /** Folder that relative file names in the spec start from. */
  readonly baseDir: string;
  /** The error with file and line of the part of the spec that it is about. */
  locate(error: unknown): unknown;
}

/** More than any spec needs; a larger file is not one. */
const MAX_FILE = 64 << 20;

/**
 * Reads and checks a YAML spec.
 * @throws KhoforgeError `FILE_UNREADABLE`, `FILE_TOO_LARGE`, `SPEC_SYNTAX`, `SPEC_INVALID`, each naming file and line
 */
export function loadSpec(file: string): LoadedSpec {
  return specOfText(readText(file), file);
}

/**
 * The same for the text of a file that may not be there.
 * @throws KhoforgeError `SPEC_SYNTAX`, `SPEC_INVALID`, each naming file and line
 */
export function specOfText(whole: string, file: string): LoadedSpec {
  const lines = new LineCounter();
  const { text, lists } = shorten(whole);
  const document = parseText(text, file, lines);
  const lineAt = (path: SpecPath) => lineOfItem(path, lists) ?? lineOf(path, document, lines);
  const locate = (error: unknown) => located(error, file, lineAt);
  try {
    const spec = parseSpec(withLists(plainData(document, file, lines), lists));
    return { spec, baseDir: dirname(resolve(file)), locate };
  } catch (error) {
    throw locate(error);
  }
}

/** @throws KhoforgeError `FILE_UNREADABLE`, `FILE_TOO_LARGE`, `SPEC_SYNTAX` */
export function readText(file: string): string {
  const bytes = readRegular(file, MAX_FILE);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw syntax(file, 'not UTF-8 text', lineOfBadByte(bytes));
  }
}

/** The line of the first byte that is not UTF-8. */
function lineOfBadByte(bytes: Uint8Array): number {
  const decoded = new TextDecoder().decode(bytes);
  const good = Buffer.from(decoded);
  const at = bytes.findIndex((byte, i) => byte !== good[i]);
  return bytes.subarray(0, at).filter((byte) => byte === 0x0a).length + 1;
}

function parseText(text: string, file: string, lines: LineCounter): Document {
  let document: Document;
  try {
    document = parseDocument(text, {
      intAsBigInt: true,
      lineCounter: lines,
      prettyErrors: false,
      // What a spec holds is text, numbers, lists and keys.
      resolveKnownTags: false,
    });
  } catch (cause) {
    throw syntax(file, yamlText(reason(cause)));
  }
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) throw syntax(file, yamlText(problem.message), lines.linePos(problem.pos[0]).line);
  checkKeys(document, file, lines);
  return document;
}

/** Keys are words: of anything else the library makes text as it likes (7.10 becomes '7.1'), and says so on stderr. */
function checkKeys(document: Document, file: string, lines: LineCounter): void {
  visit(document, {
    Pair(_key, { key }) {
      if (isScalar(key) && typeof key.value === 'string') return;
      const kind = isScalar(key)
        ? (key.source ?? 'nothing')
        : isAlias(key)
          ? `*${key.source}`
          : 'a list or keys and values';
      const at = isNode(key) && key.range ? lines.linePos(key.range[0]).line : undefined;
      throw syntax(file, `${kind} for a key: expected text (write it in quotes)`, at);
    },
  });
}

/** What the parser says, in words that are about a spec. */
function yamlText(message: string): string {
  if (/call stack/.test(message)) return 'nested too deeply for a spec';
  if (/parseAllDocuments/.test(message)) return 'not YAML: a spec is one document';
  return `not YAML: ${message.replace('tag:yaml.org,2002:', '!!')}`;
}

function syntax(file: string, text: string, line?: number): KhoforgeError {
  const place = line === undefined ? file : `${file}:${line}`;
  return new KhoforgeError('SPEC_SYNTAX', `${place}: ${text}`, {
    where: { file, ...(line !== undefined && { line }) },
  });
}

/** Aliases are followed only so far: a file of a few lines must not fill the memory. */
function plainData(document: Document, file: string, lines: LineCounter): object {
  let data: unknown;
  try {
    data = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw syntax(file, yamlText(reason(cause)), lineOfLostAlias(document, lines));
  }
  if (typeof data !== 'object' || data === null)
    throw syntax(file, "expected keys and values, as in 'ram: 512MiB'; the least spec is {}");
  const cycle = findCycle(data);
  if (cycle)
    throw syntax(file, `${pathText(cycle)}: an alias that holds itself`, lineOf(cycle, document, lines));
  return data;
}

/** The line of the first alias of nothing. */
function lineOfLostAlias(document: Document, lines: LineCounter): number | undefined {
  let line: number | undefined;
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined || !alias.range) return undefined;
      line = lines.linePos(alias.range[0]).line;
      return visit.BREAK;
    },
  });
  return line;
}

/** The way to an object that is its own ancestor. */
function findCycle(root: object): SpecPath | undefined {
  const done = new Set<object>();
  const above = new Set<object>();
  const visit = (value: unknown, path: SpecPath): SpecPath | undefined => {
    if (typeof value !== 'object' || value === null || done.has(value)) return undefined;
    if (above.has(value)) return path;
    above.add(value);
    for (const [key, child] of Object.entries(value)) {
      const found = visit(child, [...path, Array.isArray(value) ? Number(key) : key]);
      if (found) return found;
    }
    above.delete(value);
    done.add(value);
    return undefined;
  };
  return visit(root, []);
}

function withLists(data: object, lists: LongLists): object {
  return Object.assign(data, Object.fromEntries(Array.from(lists, ([key, { items }]) => [key, items])));
}

/** The line of an item of a list that was taken out. */
function lineOfItem([key, index]: SpecPath, lists: LongLists): number | undefined {
  return typeof key === 'string' && typeof index === 'number' ? lists.get(key)?.lines[index] : undefined;
}

/** The line of the nearest part of a path that stands in the file. */
function lineOf(path: SpecPath, document: Document, lines: LineCounter): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return undefined;
}

/** Each line of the error begins with the file, and where it is known with the line and the part of the spec. */
function located(error: unknown, file: string, lineAt: (path: SpecPath) => number | undefined): unknown {
  if (!(error instanceof KhoforgeError) || error.exitCode === ExitCode.couldNotRun) return error;
  if (error.where.line !== undefined || error.code === 'SPEC_SYNTAX') return error;
  const named = error.where.spec === undefined ? undefined : partsOf(error.where.spec);
  const pathOf = (own: SpecPath | undefined) => own ?? named;
  const lines = error.lines.map(({ text, specPath }) => {
    const path = pathOf(specPath);
    const line = path && lineAt(path);
    const part = path && !names(text, pathText(path)) ? `${pathText(path)}: ` : '';
    return { text: `${file}${line === undefined ? '' : `:${line}`}: ${part}${text}`, specPath: path };
  });
  const first = lines.find(({ specPath }) => specPath)?.specPath;
  const line = first && lineAt(first);
  return changed(error, lines, { ...error.where, file, ...(line !== undefined && { line }) });
}

/** Whether a text has the path of a part: `scratch`, which `scratch-overlap` is not. */
function names(text: string, part: string): boolean {
  const inside = /[\w-]/;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) {
    const around = [text[at - 1], text[at + part.length]];
    if (!around.some((character) => character !== undefined && inside.test(character))) return true;
  }
  return false;
}

/** `scratch[0].size` as a path. */
function partsOf(text: string): SpecPath {
  return text
    .split(/[.[\]]+/)
    .filter((part) => part !== '')
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
