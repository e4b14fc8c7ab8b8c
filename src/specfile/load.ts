import { dirname, resolve } from 'node:path';
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { KhoforgeError } from '../base/errors.ts';
import { readInput, reason } from '../base/files.ts';
import { type LineOf, parseSpec } from './parse.ts';
import type { ParsedSpec } from './schema.ts';

export interface LoadedSpec {
  readonly spec: ParsedSpec;
  /** Folder that relative file names in the spec start from. */
  readonly baseDir: string;
}

/** More than any spec needs; a larger file is not one. */
const LARGEST_FILE = 16 << 20;

/**
 * Reads and checks a YAML spec.
 * @throws KhoforgeError `FILE_UNREADABLE`, `SPEC_SYNTAX`, `SPEC_INVALID`, each naming file and line
 */
export function loadSpec(file: string): LoadedSpec {
  const bytes = readInput(file);
  if (bytes.length > LARGEST_FILE) {
    throw new KhoforgeError('SPEC_SYNTAX', `${file}: ${bytes.length} bytes are too many for a spec`, {
      where: { file },
    });
  }
  const lines = new LineCounter();
  const document = parseDocument(new TextDecoder().decode(bytes), {
    intAsBigInt: true,
    lineCounter: lines,
    prettyErrors: false,
  });
  const [error] = document.errors;
  if (error) {
    const line = lines.linePos(error.pos[0]).line;
    throw new KhoforgeError('SPEC_SYNTAX', `${file}:${line}: not YAML: ${error.message}`, {
      where: { file, line },
    });
  }
  const spec = parseSpec(plainData(document, file), file, lineFinder(document, lines));
  return { spec, baseDir: dirname(resolve(file)) };
}

/** Aliases are followed only so far: a file of a few lines must not fill the memory. */
function plainData(document: Document, file: string): object {
  try {
    const data: unknown = document.toJS({ maxAliasCount: 100 });
    if (data === null) return {};
    if (typeof data === 'object') return data;
  } catch (cause) {
    throw new KhoforgeError('SPEC_SYNTAX', `${file}: ${reason(cause)}`, { where: { file }, cause });
  }
  throw new KhoforgeError('SPEC_SYNTAX', `${file}: expected keys and values, as in 'ram: 512MiB'`, {
    where: { file },
  });
}

/** The line of the nearest part of a path that stands in the file. */
function lineFinder(document: Document, lines: LineCounter): LineOf {
  return (path) => {
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return undefined;
  };
}
