import { encodeText } from '../base/text.ts';
import { consoleLines } from '../guest/console.ts';
import type { Finding, Verification } from '../model/finding.ts';
import type { Verdict } from '../model/image.ts';
import { TROUBLES } from '../receive/patterns.ts';
import type { Outcome } from '../specfile/case-schema.ts';
import { MAX_LINES } from './outcome.ts';

/** Where a kernel did otherwise than `verify` foretold. There is no other definition. */
export interface Difference {
  readonly predicted: Verdict;
  readonly actual: Verdict;
  /** The line, or the end, that was foretold and did not come. */
  readonly foretold?: string;
  /** The line, or the end, that came and was not foretold; a line of user space as `khoforge-init` has it. */
  readonly said?: string;
  /** Where all lines came: the check that tells of the worst. */
  readonly check?: string;
}

/**
 * What a kernel did otherwise than `verify` foretold; undefined where it was right, as far as it said that it is.
 * @param asksUser whether user space retrieved things: what comes of that are findings, and no lines of the prediction
 */
export function differenceOf(
  predicted: Verification,
  outcome: Outcome,
  asksUser: boolean,
): Difference | undefined {
  const { verdict, certain, findings, ends } = predicted;
  const console = predicted.console.flatMap(asLogged);
  const { lines, fate, reason, flaky } = outcome;
  const verdicts = { predicted: verdict, actual: outcome.verdict };
  const at = console.slice(0, MAX_LINES).findIndex((line, i) => !lines[i]?.includes(line));
  if (at >= 0) return { ...verdicts, foretold: console[at] ?? '', ...saidOf(lines[at]) };
  const later = lines.slice(console.length);
  if (asksUser) {
    const said = ends === 'boots' ? harmOf(later, outcome, findings) : undefined;
    return said === undefined ? undefined : { ...verdicts, said };
  }
  if (flaky || !certain) return undefined;
  const [said] = later;
  if (verdict !== outcome.verdict) return { ...verdicts, ...saidOf(said), ...checkOf(findings) };
  if (ends === 'boots' && said !== undefined) return { ...verdicts, said };
  if (ends === 'open' || (ends === 'dies') === (fate === 'dies')) return undefined;
  return { ...verdicts, foretold: ends === 'dies' ? 'its death' : 'that it goes on', said: reason };
}

/** A line as it is read back from a log, in which bytes that are no text, or act on a terminal, are lost. */
const asLogged = (line: string): string[] => consoleLines(encodeText(line) ?? Buffer.from(line));

const saidOf = (said: string | undefined) => (said === undefined ? {} : { said });

const isHarm = ({ severity }: Finding): boolean => severity !== 'note';

function checkOf(findings: readonly Finding[]): { check?: string } {
  const worst = findings.find(({ severity }) => severity === 'error') ?? findings.find(isHarm);
  return worst ? { check: worst.check } : {};
}

/**
 * What of a retrieval no finding tells: a line of KHO or its users, trouble, or that user space did not get something. A
 * finding has the kernel's line, or tells of harm that may come in any words.
 */
function harmOf(
  later: readonly string[],
  outcome: Outcome,
  findings: readonly Finding[],
): string | undefined {
  const harms = findings.filter(isHarm);
  if (harms.some(({ kernel }) => kernel === null)) return undefined;
  const isTrouble = (line: string) => TROUBLES.some((trouble) => trouble.line.test(line));
  const isTold = (line: string) =>
    findings.some(({ kernel }) => kernel !== null && asLogged(kernel).some((part) => line.includes(part))) ||
    (harms.length > 0 && isTrouble(line));
  const line = later.find((one) => !isTold(one));
  if (line !== undefined || harms.length > 0) return line;
  const denied = outcome.user?.find((one) => DENIED.test(one) && !one.startsWith('preserve '));
  return denied ?? (outcome.fate === 'dies' ? outcome.reason : undefined);
}

/**
 * What init says where it did not get what was handed over; what was not is ENOENT, as is a device that is not there. What it
 * asks to preserve is not of the handover.
 */
const DENIED = /: E(?!NOENT)[A-Z0-9]+$|^error (?!.* No such file)/;
