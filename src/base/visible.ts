/**
 * What moves a terminal's cursor, colours it or turns its text round, bytes that are no text (base/text.ts), and the two
 * other characters that no XML may have.
 */
const CONTROLS = /[\p{Cc}\p{Cs}\p{Bidi_C}\u2028\u2029\ufffe\uffff]/gu;

/** More of a line is no help to anybody: as long as the longest path and the longest kernel command line. */
const MAX_LINE = 4096;

/**
 * Text that may come from an input (a dump, a manifest, an FDT, a spec, a kernel) as one line for people: controls
 * are written out (`\n`, `\x1b`, `\u202e`) but for tabs, and what is longer than 4096 characters is cut, and says so.
 */
export function oneLine(text: string): string {
  const cut = text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}… (${text.length - MAX_LINE} more)` : text;
  return cut.replace(CONTROLS, (control) => (control === '\t' ? control : writtenOut(control)));
}

/** A document of many lines, whole: what its own quoting leaves (JSON has `\x9b` as it is) is written out as there. */
export function visibleDocument(text: string): string {
  return text.replace(CONTROLS, (control) =>
    control === '\t' || control === '\n' ? control : writtenOut(control),
  );
}

function writtenOut(control: string): string {
  if (control === '\n') return '\\n';
  if (control === '\r') return '\\r';
  const digits = control.charCodeAt(0).toString(16);
  return control < ' ' ? `\\x${digits.padStart(2, '0')}` : `\\u${digits.padStart(4, '0')}`;
}
