import { jsonValue } from '../base/json.ts';
import { hex, humanSize } from '../base/numbers.ts';
import type { HandoverDiff, ValueDifference } from '../receive/diff.ts';
import { isSame } from '../receive/diff.ts';
import type { BlockRun } from '../receive/diff-blocks.ts';
import type { DecodedValue } from '../users/user.ts';
import { toJsonParts } from './json.ts';

/** Ranges shown of a kind at the terminal; `--json` has them all. */
const SHOWN = 20;
/** Characters of a value. */
const WIDEST = 80;

/** As diff(1) has it: `-` is A's, `+` is B's. */
export function diffText(diff: HandoverDiff, a: string, b: string): string[] {
  if (isSame(diff)) return [`${a} and ${b} hand over the same`];
  return [
    `--- ${a}`,
    `+++ ${b}`,
    ...diff.values.flatMap(valueLines),
    ...runLines('-', diff.removed),
    ...runLines('+', diff.added),
  ];
}

function valueLines({ path, a, b }: ValueDifference): string[] {
  return [
    ...(a === null ? [] : [`- ${path}: ${valueText(a)}`]),
    ...(b === null ? [] : [`+ ${path}: ${valueText(b)}`]),
  ];
}

function runLines(sign: string, runs: readonly BlockRun[]): string[] {
  const lines = runs
    .slice(0, SHOWN)
    .map(
      ({ order, start, end }) =>
        `${sign} preserved: ${hex(start)}-${hex(end)}  ${humanSize(end - start)}, order ${order}`,
    );
  const rest = runs.length - lines.length;
  return rest > 0 ? [...lines, `${sign} preserved: ${rest} more (--json lists all)`] : lines;
}

function valueText(value: DecodedValue): string {
  const text = typeof value === 'bigint' ? hex(value) : JSON.stringify(value, jsonValue);
  return text.length > WIDEST ? `${text.slice(0, WIDEST)}…` : text;
}

/** The document that other programs rely on, in parts: millions of runs, or lists that one side lacks, are long. */
export function diffJson(diff: HandoverDiff, a: string, b: string): Generator<string, void, undefined> {
  const { values, added, removed } = diff;
  return toJsonParts('diff', 1, { a, b, same: isSame(diff), values, preserved: { added, removed } });
}
