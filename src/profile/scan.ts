import { type Member, readMembers } from './members.ts';
import { afterBracket, splitAt, type Token, textOf, tokenize } from './tokens.ts';

/** A name that a file defines, and where. `first` and `last` are 1-based lines. */
interface Definition {
  readonly name: string;
  readonly first: number;
  readonly last: number;
}

export interface ScannedStruct extends Definition {
  readonly members: readonly Member[];
  /** Member declarations that are not understood, as written. */
  readonly unread: readonly string[];
}

export interface ScannedEnum extends Definition {
  readonly enumerators: readonly string[];
}

export interface ScannedMacro extends Definition {
  readonly body: string;
}

/** What a file defines at its top level. Both branches of each `#if` are in it; the compiler tells which one holds. */
export interface Scan {
  readonly structs: readonly ScannedStruct[];
  readonly enums: readonly ScannedEnum[];
  /** Object-like macros with a body. */
  readonly macros: readonly ScannedMacro[];
  /** The conditions of static_assert, as written. */
  readonly assertions: readonly string[];
}

/**
 * Reads the names that a C file defines. Only names: sizes, offsets and values come from a compiler.
 * Never fails, whatever the file holds.
 */
export function scan(source: string): Scan {
  const tokens = tokenize(source);
  const code = tokens.filter(({ kind }) => kind !== 'directive');
  const found = { structs: [] as ScannedStruct[], enums: [] as ScannedEnum[], assertions: [] as string[] };
  for (let i = 0; i < code.length; ) i = readTopLevel(code, i, found);
  return { ...found, macros: tokens.flatMap(readMacro) };
}

/** Reads what starts at `i` and returns where the next thing starts. */
function readTopLevel(
  code: readonly Token[],
  i: number,
  found: { structs: ScannedStruct[]; enums: ScannedEnum[]; assertions: string[] },
): number {
  const [word, name, brace] = [code[i], code[i + 1], code[i + 2]];
  if (word?.text === 'struct' && brace?.text === '{') return readStruct(code, i, found.structs);
  if (word?.text === 'enum' && (name?.text === '{' || brace?.text === '{'))
    return readEnum(code, i, found.enums);
  if (word?.text === 'static_assert' && name?.text === '(') {
    const end = afterBracket(code, i + 1);
    found.assertions.push(textOf(code.slice(i + 2, end - 1)));
    return end;
  }
  return endOfOther(code, i);
}

function readStruct(code: readonly Token[], i: number, structs: ScannedStruct[]): number {
  const end = afterBracket(code, i + 2);
  const last = endOfStatement(code, end);
  structs.push({
    name: code[i + 1]?.text ?? '',
    first: code[i]?.line ?? 0,
    last: code[last - 1]?.line ?? 0,
    ...readMembers(code.slice(i + 3, end - 1)),
  });
  return last;
}

function readEnum(code: readonly Token[], i: number, enums: ScannedEnum[]): number {
  const open = code[i + 1]?.text === '{' ? i + 1 : i + 2;
  const end = afterBracket(code, open);
  const last = endOfStatement(code, end);
  const enumerators = splitAt(code.slice(open + 1, end - 1), ',').flatMap(([name]) => name?.text ?? []);
  enums.push({
    name: open === i + 1 ? '' : (code[i + 1]?.text ?? ''),
    first: code[i]?.line ?? 0,
    last: code[last - 1]?.line ?? 0,
    enumerators,
  });
  return last;
}

/** Past a declaration's `;` or a function's body. */
function endOfOther(code: readonly Token[], i: number): number {
  const { kind, text } = code[i] ?? { kind: 'word', text: '' };
  if (kind === 'punctuation' && (text === '{' || text === '(' || text === '[')) return afterBracket(code, i);
  return i + 1;
}

function endOfStatement(code: readonly Token[], i: number): number {
  while (i < code.length && code[i]?.text !== ';') i++;
  return Math.min(i + 1, code.length);
}

function readMacro({ kind, text, line }: Token): ScannedMacro[] {
  if (kind !== 'directive') return [];
  const joined = text.replace(/\\\r?\n/g, ' ');
  const match = /^#\s*define\s+([A-Za-z_]\w*)(?!\()\s+(\S.*)$/.exec(joined.trimEnd());
  if (!match?.[1] || !match[2]) return [];
  return [{ name: match[1], body: match[2], first: line, last: line + text.split('\n').length - 1 }];
}
