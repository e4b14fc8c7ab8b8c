import { styleText } from 'node:util';
import type { KhoforgeError } from '../base/errors.ts';
import { toJson } from '../render/json.ts';

/** Writes an error to stderr: what, where, and the way out. */
export function printError(error: KhoforgeError): void {
  const where = whereText(error);
  const head = paint('red', 'khoforge: ');
  console.error(`${head}${error.message}${where && !error.message.includes(where) ? ` (${where})` : ''}`);
  if (error.hint) console.error(`  ${paint('dim', error.hint)}`);
}

export function errorDocument(error: KhoforgeError): string {
  const { code, message, where, hint } = error;
  return toJson('error', 1, { code, message, where, hint: hint ?? null });
}

function whereText({ where }: KhoforgeError): string {
  return where.path ?? where.spec ?? where.file ?? '';
}

/** Colours text for stderr: only on a terminal, and never against NO_COLOR (any value but the empty one). */
export function paint(style: 'red' | 'dim' | 'green', text: string): string {
  const wanted = process.env.FORCE_COLOR ? true : process.stderr.isTTY === true && !process.env.NO_COLOR;
  return wanted ? styleText(style, text) : text;
}
