import { z } from 'zod';

const EXPECTED = 'ascending page frame numbers, such as 0x100000-0x1003ff 0x200000';
const RANGE = /^(0x[0-9a-f]{1,13}|\d{1,15})(?:-(0x[0-9a-f]{1,13}|\d{1,15}))?$/i;

/**
 * Ranges of page frames, first and last, ascending and apart from each other. As many as a map has are one text: a list
 * of a million entries takes a YAML reader minutes.
 * @returns first, end, …: the end is no part of the range
 */
export const pfnList = z
  .string({ error: () => EXPECTED })
  .transform((input, context) => {
    const parsed = parse(input);
    if (parsed) return parsed;
    context.issues.push({ code: 'custom', message: EXPECTED, input: `${input.slice(0, 60)}…` });
    return z.NEVER;
  })
  .meta({ description: 'page frame numbers of folios that are apart: 0x100000-0x1003ff 0x200000, ascending' });

function parse(input: string): BigUint64Array | undefined {
  const parts = input.split(/[\s,]+/).filter((part) => part !== '');
  const words = new BigUint64Array(parts.length * 2);
  let end = 0;
  for (const [i, part] of parts.entries()) {
    const [, first, last = first] = RANGE.exec(part) ?? [];
    const start = Number(first);
    if (first === undefined || start < end || Number(last) < start) return undefined;
    end = Number(last) + 1;
    words[i * 2] = BigInt(start);
    words[i * 2 + 1] = BigInt(end);
  }
  return parts.length > 0 ? words : undefined;
}

/** The same as text, in lines. */
export function pfnText(ranges: Iterable<{ readonly first: bigint; readonly end: bigint }>): string {
  const parts = Array.from(ranges, ({ first, end }) => {
    const start = `0x${first.toString(16)}`;
    return end - first === 1n ? start : `${start}-0x${(end - 1n).toString(16)}`;
  });
  const lines = Array.from({ length: Math.ceil(parts.length / PER_LINE) }, (_, i) =>
    parts.slice(i * PER_LINE, (i + 1) * PER_LINE).join(' '),
  );
  return `${lines.join('\n')}\n`;
}

const PER_LINE = 8;
