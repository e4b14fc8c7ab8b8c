import { join } from 'node:path';
import { makeFolders } from '../base/files.ts';
import { copyFile } from '../suite/merge.ts';
import { type LogHead, readRun } from '../suite/run-log.ts';
import { shardText, WHOLE } from '../suite/shard.ts';
import { FINDING_FILES, FINDINGS } from './finding.ts';
import { newFuzzLog } from './log.ts';
import { endsOf, type FuzzEntry, type FuzzReport, fuzzEntry, fuzzReport, wholeCount } from './result.ts';

export interface MergedFuzz {
  readonly report: FuzzReport;
  /** The parts that came to their end, with how many runs all were to do. */
  readonly ends: ReadonlyMap<string, number | null>;
  /** Those that are there and did not. */
  readonly open: readonly string[];
}

/**
 * Joins runs of the fuzzer in one folder, which `fuzz --resume` goes on with. Of each cause the lowest run is kept.
 * @throws KhoforgeError of RunLog, `OUTPUT_FAILED`
 */
export function mergeFuzz(folders: readonly string[], output: string, head: LogHead): MergedFuzz {
  const parts = folders.map((folder) => {
    const run = readRun(folder, fuzzEntry);
    return { folder, shards: run?.head.shards ?? [], entries: run?.entries ?? [] };
  });
  const all = parts.flatMap(({ entries }) => entries);
  const ends = endsOf(all);
  const count = wholeCount(ends);
  const { version } = head.kernel;
  const report = fuzzReport(all, {
    kernel: version,
    seed: head.asked.seed ?? '',
    failed: {},
    stopped: count === undefined,
    seconds: 0,
  });
  const done = all.filter((one) => !('ended' in one));
  const ended: FuzzEntry[] =
    count === undefined
      ? [...ends].map(([part, of]) => ({ ended: part, count: of }))
      : [{ ended: shardText(WHOLE), count }];
  newFuzzLog(output, head, [...done, ...ended]);
  for (const { finding } of report.groups) {
    const from = parts.find(({ entries }) =>
      entries.some((one) => 'finding' in one && one.finding === finding.finding && one.run === finding.run),
    );
    const [source, target] = [from?.folder ?? '', output].map((path) =>
      join(path, FINDINGS, finding.finding),
    );
    if (source === undefined || target === undefined) continue;
    makeFolders(target);
    for (const name of FINDING_FILES) copyFile(name, source, target);
  }
  const open = parts.flatMap(({ shards }) => shards).filter((part) => count === undefined && !ends.has(part));
  return { report, ends, open: [...new Set(open)] };
}
