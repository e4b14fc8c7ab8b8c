import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeTarget } from '../abi/target.ts';
import { KhoforgeError } from '../base/errors.ts';
import type { Case } from './catalogue.ts';
import { type CaseEntry, caseEntry, digestOf } from './journal.ts';
import { keyOf, releaseKeyOf } from './kernel.ts';
import type { CaseResult, SuiteReport } from './result.ts';
import { sinceOf } from './run.ts';
import { whyNot } from './run-case.ts';
import { headOf, type LogHead, RunLog, readRun, unlike } from './run-log.ts';
import { missingShards, shardText, WHOLE } from './shard.ts';

/**
 * The head that parts of one run have together.
 * @throws KhoforgeError `RUN_NONE` for a folder that is of no run; `RUN_OTHER` for one of another run than the first
 */
export function joinedHead(folders: readonly string[]): LogHead {
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
    const other = unlike(head, first.head);
    if (other === undefined) continue;
    throw new KhoforgeError('RUN_OTHER', `${folder} is ${other}, in ${first.folder}`, {
      where: { file: folder },
      hint: 'merge parts of one run: the same command, but for --shard and -o',
    });
  }
  const shards = [...new Set(heads.flatMap(({ head }) => head.shards))];
  return { ...first.head, shards: missingShards(shards).length === 0 ? [shardText(WHOLE)] : shards.sort() };
}

/**
 * Joins runs of the suite in one folder, which `suite --resume` goes on with.
 * @throws KhoforgeError of RunLog
 */
export function mergeSuite(folders: readonly string[], output: string, head: LogHead): CaseEntry[] {
  const byName = new Map<string, CaseEntry>();
  for (const folder of folders)
    for (const one of readRun(folder, caseEntry)?.entries ?? []) byName.set(one.name, one);
  const entries = [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  new RunLog(output, head, entries);
  for (const folder of folders)
    for (const log of readdirSync(folder).filter((name) => name.endsWith('.log')))
      copyFileSync(join(folder, log), join(output, log));
  return entries;
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
    const { outcome } = found;
    return [{ kind: 'ran', name, outcome, since: sinceOf(text, against, outcome) }];
  });
  return {
    kernel: known.version,
    key: keyOf(known),
    against,
    results,
    cases: new Map(cases.map(({ name, text }) => [name, text])),
    left: cases.length - results.length,
    seconds: 0,
  };
}
