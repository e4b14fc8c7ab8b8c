import { KhoforgeError } from '../base/errors.ts';
import type { SuiteKernel } from '../suite/kernel.ts';
import { logHead, RunLog, readRun, unlike } from '../suite/run-log.ts';
import type { Shard } from '../suite/shard.ts';
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
  asked: { readonly seed: string; readonly corpus: string },
  shard: Shard,
  resume: boolean,
): RunLog<FuzzEntry> {
  const head = logHead('fuzz', kernel, asked, shard);
  const kept = resume ? readRun(folder, fuzzEntry) : undefined;
  const other = kept && unlike(kept.head, head);
  if (other === undefined) return new RunLog(folder, head, kept?.entries ?? []);
  throw new KhoforgeError('RUN_OTHER', `${folder} is ${other}`, {
    where: { file: folder },
    hint: 'go on with the same, or choose another folder',
  });
}
