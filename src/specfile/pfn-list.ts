import { z } from 'zod';
import { hex } from '../base/numbers.ts';

const EXPECTED = 'ascending page frame numbers, such as 0x100000-0x1003ff 0x200000';
/** Pages of 4 KiB up to 2^64. */
const LIMIT = 1n << 52n;
const MAX_SHOWN = 60;
const RANGE = /^(0x[0-9a-f]{1,16}|\d{1,20})(?:-(0x[0-9a-f]{1,16}|\d{1,20}))?$/i;

/**
 * Ranges of page frames, first and last, ascending and apart from each other. As many as a map has are one text: a list
 * of a million entries takes a YAML library minutes. One alone is a number to it. From TypeScript also as they are given
 * here.
 * @returns first, end, …: the end is no part of the range
 */
export const pfnList = z
  .union(
    [
      z.custom<BigUint64Array>((value) => value instanceof BigUint64Array),
      z.string(),
      z.number(),
      z.bigint(),
    ],
    { error: () => EXPECTED },
  )
  .transform((input, context) => {
    const given = input instanceof BigUint64Array;
    const parsed = given ? input : parse(String(input));
    if (typeof parsed !== 'string' && (!given || isAscending(parsed))) return parsed;
    const message = typeof parsed === 'string' ? `${EXPECTED}; ${parsed}` : EXPECTED;
    context.issues.push({ code: 'custom', message, input });
    return z.NEVER;
  })
  .meta({
    description: 'page frame numbers of folios that are apart: 0x100000-0x1003ff 0x200000, ascending',
  });

/** What is wrong, where it is no list. */
function parse(input: string): BigUint64Array | string {
  const parts = input.split(/[\s,]+/).filter((part) => part !== '');
  const words = new BigUint64Array(parts.length * 2);
  for (const [i, part] of parts.entries()) {
    const [, first, last = first] = RANGE.exec(part) ?? [];
    if (first === undefined) return `'${shortened(part)}' is none`;
    const [start, end] = [BigInt(first), BigInt(last ?? first) + 1n];
    if (end > LIMIT) return `'${part}' is above ${hex(LIMIT - 1n)}, the last of any address`;
    if (end <= start) return `'${part}' ends before it starts`;
    if (i > 0 && start < (words[i * 2 - 1] ?? 0n)) return `'${part}' is not behind '${parts[i - 1]}'`;
    words[i * 2] = start;
    words[i * 2 + 1] = end;
  }
  return words.length > 0 ? words : 'there is none';
}

const shortened = (part: string) => (part.length > MAX_SHOWN ? `${part.slice(0, MAX_SHOWN)}…` : part);

/** Whether there are ranges, none of them empty, each behind the one before. */
function isAscending(words: BigUint64Array): boolean {
  if (words.length === 0 || words.length % 2 !== 0) return false;
  for (let i = 0, end = 0n; i < words.length; i += 2) {
    const [start = 0n, next = 0n] = [words[i], words[i + 1]];
    if (start < end || next <= start || next > LIMIT) return false;
    end = next;
  }
  return true;
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
