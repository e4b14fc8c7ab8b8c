import { copyFileSync, lstatSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeTarget } from '../abi/target.ts';
import { ExitCode, KhoforgeError, reason } from '../base/errors.ts';
import type { Outcome } from '../specfile/case-schema.ts';
import type { Case } from './catalogue.ts';
import { isSame } from './compare.ts';
import { type CaseEntry, caseEntry, digestOf } from './journal.ts';
import { keyOf, releaseKeyOf } from './kernel.ts';
import type { CaseResult, SuiteReport } from './result.ts';
import { sinceOf } from './run.ts';
import { logName, whyNot } from './run-case.ts';
import { headOf, type LogHead, RunLog, readRun, unlike } from './run-log.ts';
import { isOneSplit, missingShards, shardList, shardText, WHOLE } from './shard.ts';

/**
 * The head that parts of one run have together.
 * @throws KhoforgeError `RUN_NONE` for a folder that is of no run; `RUN_OTHER` for one of another run than the first;
 *   `OUTPUT_IS_SOURCE` where the whole would take the place of a part
 */
export function joinedHead(folders: readonly string[], output: string): LogHead {
  const heads = folders.map((folder) => {
    const head = headOf(folder);
    if (head) return { folder, head };
    throw new KhoforgeError('RUN_NONE', `${folder} is not of a run of suite or fuzz`, {
      where: { file: folder },
      hint: 'khoforge suite and khoforge fuzz keep one with -o DIR',
    });
  });
  const [first, ...rest] = heads;
  if (!first) throw new RangeError('no folder');
  for (const { folder, head } of rest) {
    const other = unlike(head, first.head) ?? otherSplit(head, first.head);
    if (other === undefined) continue;
    throw new KhoforgeError('RUN_OTHER', `${folder} is ${other}, in ${first.folder}`, {
      where: { file: folder },
      hint: 'merge parts of one run: the same command, but for --shard and -o',
    });
  }
  for (const { folder } of heads) refuseAsOutput(folder, output);
  const shards = [...new Set(heads.flatMap(({ head }) => head.shards))];
  return { ...first.head, shards: missingShards(shards).length === 0 ? [shardText(WHOLE)] : shards.sort() };
}

function otherSplit(a: LogHead, b: LogHead): string | undefined {
  if (isOneSplit([...a.shards, ...b.shards])) return undefined;
  return `of another split: ${shardList(a.shards)}, the other of ${shardList(b.shards)}`;
}

function refuseAsOutput(folder: string, output: string): void {
  const isThere = lstatSync(output, { throwIfNoEntry: false }) !== undefined;
  if (realpathSync(folder) !== (isThere ? realpathSync(output) : resolve(output))) return;
  throw new KhoforgeError('OUTPUT_IS_SOURCE', `${output} is one of the parts`, {
    where: { file: output },
    hint: 'choose another name for the whole',
  });
}

/**
 * Joins runs of the suite in one folder, which `suite --resume` goes on with. A case that two of them asked, and that
 * came to two ends, is flaky.
 * @throws KhoforgeError of RunLog, `OUTPUT_FAILED`
 */
export function mergeSuite(folders: readonly string[], output: string, head: LogHead): CaseEntry[] {
  const joined = new Map<string, { readonly entry: CaseEntry; readonly folder: string }>();
  for (const folder of folders) {
    for (const entry of lastOfEach(readRun(folder, caseEntry)?.entries ?? [])) {
      const known = joined.get(entry.name);
      joined.set(entry.name, known ? { ...known, entry: bothOf(known.entry, entry) } : { entry, folder });
    }
  }
  const found = [...joined.values()].sort((a, b) => (a.entry.name < b.entry.name ? -1 : 1));
  const entries = found.map(({ entry }) => entry);
  new RunLog(output, head, entries);
  for (const { entry, folder } of found) copyFile(logName(entry.name), folder, output);
  return entries;
}

/** A run that went on asks again what was not answered. */
const lastOfEach = (entries: readonly CaseEntry[]): CaseEntry[] => [
  ...new Map(entries.map((one) => [one.name, one])).values(),
];

function bothOf(one: CaseEntry, other: CaseEntry): CaseEntry {
  if (!('outcome' in other)) return one;
  if (!('outcome' in one) || one.asked !== other.asked) return other;
  return { ...one, outcome: withOther(one.outcome, other.outcome) };
}

const withOther = (one: Outcome, other: Outcome): Outcome =>
  isSame(one, other) ? one : { ...one, flaky: [...(one.flaky ?? []), other.fate] };

/** Copies a file of a part, where it is one. @throws KhoforgeError `OUTPUT_FAILED` */
export function copyFile(name: string, from: string, to: string): void {
  const path = join(from, name);
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return;
  try {
    copyFileSync(path, join(to, name));
  } catch (cause) {
    throw new KhoforgeError('OUTPUT_FAILED', `cannot copy ${path} to ${to}: ${reason(cause)}`, {
      where: { file: path },
      exitCode: ExitCode.couldNotRun,
      cause,
    });
  }
}

/** What was kept, as the run would have reported it. @param against the recorded kernel; default: the same release */
export function suiteReportOf(
  { kernel: known }: LogHead,
  entries: readonly CaseEntry[],
  cases: readonly Case[],
  against = releaseKeyOf(known),
): SuiteReport {
  const kernel = { ...known, target: makeTarget(known) };
  const byName = new Map(entries.map((one) => [one.name, one]));
  const results = cases.flatMap((one): CaseResult[] => {
    const { name, text } = one;
    const why = whyNot(one, kernel);
    if (why !== undefined) return [{ kind: 'skipped', name, why }];
    const found = byName.get(name);
    if (found?.asked !== digestOf(one)) return [];
    if (!('outcome' in found)) return [{ kind: found.kind, name, why: found.why }];
    const { outcome } = found;
    return [{ kind: 'ran', name, outcome, since: sinceOf(text, against, outcome) }];
  });
  return {
    kernel: known.version,
    key: keyOf(known),
    against,
    results: results.sort((a, b) => (a.name < b.name ? -1 : 1)),
    cases: new Map(cases.map(({ name, text }) => [name, text])),
    left: cases.length - results.length,
    seconds: 0,
  };
}
