import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { KhoforgeError } from '../base/errors.ts';
import type { SuiteKernel } from '../suite/kernel.ts';
import { type LogHead, logHead, RunLog, readRun, refuseOtherShard, unlike } from '../suite/run-log.ts';
import type { Shard } from '../suite/shard.ts';
import { FINDINGS } from './finding.ts';
import { type FuzzEntry, fuzzEntry } from './result.ts';

/**
 * Opens what a run is kept in.
 * @param asked what decides what the runs are, beside the kernel: another folder has to be taken for another
 * @param resume goes on with what is there
 * @throws KhoforgeError `RUN_OTHER`; of RunLog
 */
export function openFuzzLog(
  folder: string,
  kernel: SuiteKernel,
  asked: Readonly<Record<'seed' | 'corpus', string>> & Readonly<Record<string, string>>,
  shard: Shard,
  resume: boolean,
): RunLog<FuzzEntry> {
  const head = logHead('fuzz', kernel, asked, shard);
  const kept = resume ? readRun(folder, fuzzEntry) : undefined;
  if (kept === undefined) return newFuzzLog(folder, head, []);
  const other = unlike(kept.head, head);
  if (other !== undefined)
    throw new KhoforgeError('RUN_OTHER', `${folder} is ${other}`, {
      where: { file: folder },
      hint: 'go on with the same, or choose another folder',
    });
  refuseOtherShard(folder, kept.head, shard);
  // It has to come to its end anew, maybe with more runs.
  return new RunLog(
    folder,
    head,
    kept.entries.filter((one) => !('ended' in one)),
  );
}

/** Begins a run in a folder: what an earlier one found there goes. @throws KhoforgeError of RunLog */
export function newFuzzLog(folder: string, head: LogHead, entries: readonly FuzzEntry[]): RunLog<FuzzEntry> {
  const log = new RunLog(folder, head, entries);
  rmSync(join(folder, FINDINGS), { recursive: true, force: true });
  return log;
}
