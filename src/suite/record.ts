import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isMap, isNode, parseDocument, stringify } from 'yaml';
import { claimPath, unguessable } from '../base/cleanup.ts';
import { ExitCode, KhoforgeError, reason } from '../base/errors.ts';
import type { Outcome } from '../specfile/case-schema.ts';
import type { Case } from './catalogue.ts';

/**
 * Writes what a kernel made of a case into its file; all else in it stays as it is.
 * @param key of the kernel, as keyOf() gives it
 * @throws KhoforgeError `OUTPUT_FAILED`
 */
export function record(one: Case, key: string, outcome: Outcome): void {
  const temporary = join(dirname(one.file), unguessable('.'));
  using _claim = claimPath(temporary);
  try {
    writeFileSync(temporary, recorded(one, key, outcome), { flag: 'wx' });
    renameSync(temporary, one.file);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new KhoforgeError('OUTPUT_FAILED', `cannot write ${one.file}: ${reason(cause)}`, {
      where: { file: one.file },
      exitCode: ExitCode.couldNotRun,
      cause,
    });
  }
}

/** The text of a case's file with an outcome; all else in it stays, byte by byte. */
export function recorded(
  { file }: Pick<Case, 'file'>,
  key: string,
  { user, lines, ...rest }: Outcome,
): string {
  const text = readFileSync(file, 'utf8');
  const own = parseDocument(text).get('case');
  if (!isMap(own)) throw new Error(`${file} was a case when it was read`);
  const pair = own.items.find((item) => String(item.key) === 'outcomes');
  const before: unknown = isMap(pair?.value) ? pair.value.toJSON() : {};
  const all = { ...Object(before), [key]: { ...rest, lines, ...(user && { user }) } };
  const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
  const block = stringify({ outcomes: sorted }, { lineWidth: 0 }).replace(/^(?=.)/gm, '  ');
  // A case in braces has no lines to put them between.
  if (own.flow) return rewritten(text, key, { ...rest, lines, ...(user && { user }) });
  const end = lineAfter(text, endOf(own.items.at(-1)?.value));
  const start = pair ? text.lastIndexOf('\n', startOf(pair.key)) + 1 : end;
  return `${text.slice(0, start)}${block}${text.slice(pair ? lineAfter(text, endOf(pair.value)) : end)}`;
}

/** The same, with what is around it written anew. */
function rewritten(text: string, key: string, outcome: object): string {
  const document = parseDocument(text, { intAsBigInt: true });
  document.setIn(['case', 'outcomes', key], document.createNode(outcome));
  return document.toString({ lineWidth: 0 });
}

const startOf = (node: unknown): number => (isNode(node) ? (node.range?.[0] ?? 0) : 0);
const endOf = (node: unknown): number => (isNode(node) ? (node.range?.[1] ?? 0) : 0);

/** Where the next line begins; a block ends where it does already. */
function lineAfter(text: string, at: number): number {
  const end = text[at - 1] === '\n' ? at - 1 : text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}
