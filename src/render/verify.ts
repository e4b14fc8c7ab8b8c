import type { Finding, Severity, Verification } from '../model/finding.ts';
import { toJsonParts } from './json.ts';
import { type KtapTest, ktap } from './ktap.ts';

const VERDICTS = {
  revived: 'the kernel revives it',
  rejected: 'the kernel refuses it, and says so',
  ignored: 'the kernel boots as if there were none',
  broken: 'the kernel warns, fails to restore, or dies',
} as const;

const ENDS = {
  boots: [],
  dies: ['and dies there'],
  open: ['and what comes then is not known'],
} as const satisfies Record<Verification['ends'], readonly string[]>;

const UNCERTAIN = 'what happens depends on what is overwritten; it may be revived by luck';

/** Whether the command succeeds: revived, without an error. */
export function verifyPassed({ verdict, findings }: Verification): boolean {
  return verdict === 'revived' && findings.every(({ severity }) => severity !== 'error');
}

export function verifyText(verification: Verification, source: string): string[] {
  const { receiver, verdict, certain, findings, console: lines, ends } = verification;
  const doubt = verdict === 'broken' ? UNCERTAIN : `${VERDICTS[verdict]}, as far as the image tells`;
  const meaning = certain ? VERDICTS[verdict] : doubt;
  const alone = findings.some(({ check }) => check === 'fdt-alone') ? ', as far as its root FDT tells' : '';
  return [
    `${source}, received by ${receiver}: ${verdict} (${meaning}${alone})`,
    ...findings.flatMap(findingLines),
    // Marked, since what an image holds may begin a line there.
    ...(lines.length > 0 ? ['the kernel prints:', ...lines.map((line) => `    > ${line}`)] : []),
    ...ENDS[ends],
    counts(findings),
  ];
}

function findingLines({ check, severity, where, text, kernel }: Finding): string[] {
  const head = `${severity}: ${check}: ${where}: ${text}`;
  return kernel === null ? [head] : [head, `  kernel: ${kernel}`];
}

function counts(findings: readonly Finding[]): string {
  const count = (wanted: Severity) => findings.filter(({ severity }) => severity === wanted).length;
  return `errors: ${count('error')}, warnings: ${count('warning')}, notes: ${count('note')}`;
}

/** The document that other programs rely on, in parts: names of an image are as long as its blobs. */
export function verifyJson(
  { findings, console: lines, ...rest }: Verification,
  source: string,
): Generator<string, void, undefined> {
  return toJsonParts('verify', 1, { source, ...rest, findings, console: lines });
}

/** The verdict, then each check that found something: it fails when that is an error. */
export function verifyKtap({ receiver, verdict, certain, findings }: Verification): string[] {
  const doubt = certain ? {} : { diagnostics: ['the outcome is undefined: it may be revived by luck'] };
  const checks = [...new Set(findings.map(({ check }) => check))].map((check): KtapTest => {
    const own = findings.filter((finding) => finding.check === check);
    return {
      name: check,
      ok: own.every(({ severity }) => severity !== 'error'),
      diagnostics: own.flatMap(findingLines),
    };
  });
  return ktap([{ name: `${verdict} by ${receiver}`, ok: verdict === 'revived', ...doubt }, ...checks]);
}
