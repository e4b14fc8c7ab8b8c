import { styleText } from 'node:util';
import type { KhoforgeError } from '../base/errors.ts';
import { oneLine, visibleDocument } from '../base/visible.ts';
import { toJson } from '../render/json.ts';

/*
 * All that khoforge says leaves through this file and the progress line (test/house.test.ts), so that no text of an
 * input reaches a terminal as it is. A report is a list of lines: a line break inside one is the input's.
 */

/** Writes a report to stdout. */
export function print(lines: readonly string[]): void {
  console.log(lines.map(oneLine).join('\n'));
}

/** Writes a document for programs to stdout, whole: JSON, YAML, DTS, a shell command. */
export function printDocument(text: string): void {
  console.log(visibleDocument(text));
}

/** The same, one part after the other, so that they never are in memory together. */
export async function printParts(parts: Iterable<string>): Promise<void> {
  for (const part of parts) await written(visibleDocument(part));
  await written('\n');
}

function written(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()));
}

/** Makes a result's text, JSON or KTAP. */
interface Renderers<A extends unknown[]> {
  readonly text: (...args: A) => readonly string[];
  readonly json: (...args: A) => string;
  readonly ktap: (...args: A) => readonly string[];
}

/** Writes a result to stdout in the form that was asked for. */
export function printAs<A extends unknown[]>(
  format: keyof Renderers<A>,
  renderers: Renderers<A>,
  ...args: A
): void {
  if (format === 'json') printDocument(renderers.json(...args));
  else print(renderers[format](...args));
}

/** Writes lines about the work to stderr. */
export function say(...lines: string[]): void {
  console.error(lines.map(oneLine).join('\n'));
}

/** Writes an error to stderr: what, where, and the way out. */
export function printError(error: KhoforgeError): void {
  const where = oneLine(whereText(error));
  const place = where && !error.message.includes(where) ? ` (${where})` : '';
  // The lines of a message were made visible when the error was made.
  const [first = '', ...more] = error.message.split('\n');
  console.error([`${paint('red', 'khoforge: ')}${first}${place}`, ...more].join('\n'));
  if (error.hint) console.error(`  ${paint('dim', oneLine(error.hint))}`);
}

export function errorDocument(error: KhoforgeError): string {
  const { code, message, where, hint } = error;
  return toJson('error', 1, { code, message, where, hint: hint ?? null });
}

function whereText({ where }: KhoforgeError): string {
  return where.path ?? where.spec ?? where.file ?? '';
}

/** Colours text for stderr: only on a terminal, and never against NO_COLOR (any value but the empty one). */
function paint(style: 'red' | 'dim', text: string): string {
  const wanted = process.env.FORCE_COLOR ? true : process.stderr.isTTY === true && !process.env.NO_COLOR;
  return wanted ? styleText(style, text) : text;
}
