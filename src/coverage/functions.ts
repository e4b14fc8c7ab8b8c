/** A function of a C file in the kernel's style. */
export interface SourceFunction {
  readonly name: string;
  /** Numbers of the line with its name, and of the one with its closing brace. */
  readonly first: number;
  readonly last: number;
}

/**
 * The functions that a C file defines. In the kernel's style (7.3, Documentation/process/coding-style.rst, 3) a body's
 * braces are the first characters of their lines, and nothing else's opening brace is.
 */
export function functionsOf(text: string): SourceFunction[] {
  const lines = text.split('\n');
  const found: SourceFunction[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (lines[at]?.startsWith('{') !== true) continue;
    const first = headOf(lines, at);
    const name = /(\w+)\s*\(/.exec(lines.slice(first, at).join(' ').replace(MACROS, ''))?.[1];
    const last = lines.findIndex((line, index) => index >= at && line.startsWith('}'));
    if (name !== undefined && last >= 0) found.push({ name, first: first + 1, last: last + 1 });
  }
  return found;
}

/** What has parentheses before a function's name. */
const MACROS =
  /\b(?:__printf|__scanf|__section|__attribute__|__acquires|__releases|__must_hold)\s*\([^)]*\)+/g;

/** The index of the first line of what stands before a body. */
function headOf(lines: readonly string[], body: number): number {
  let first = body;
  while (first > 0 && !/^\s*$|^[#}]|\*\/\s*$|;\s*$/.test(lines[first - 1] ?? '')) first--;
  return first;
}
