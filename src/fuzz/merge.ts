import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { type LogHead, RunLog, readRun } from '../suite/run-log.ts';
import { missingShards } from '../suite/shard.ts';
import { FINDINGS } from './finding.ts';
import { type FuzzEntry, type FuzzReport, fuzzEntry, fuzzReport } from './result.ts';

/**
 * Joins runs of the fuzzer in one folder, which `fuzz --resume` goes on with. Of each cause the lowest run is kept.
 * @throws KhoforgeError of RunLog
 */
export function mergeFuzz(folders: readonly string[], output: string, head: LogHead): FuzzReport {
  const parts = folders.map((folder) => ({ folder, entries: readRun(folder, fuzzEntry)?.entries ?? [] }));
  const all = parts.flatMap(({ entries }) => entries);
  const { version } = head.kernel;
  const isWhole = missingShards(head.shards).length === 0;
  const report = fuzzReport(all, {
    kernel: version,
    seed: head.asked.seed ?? '',
    failed: {},
    stopped: !isWhole || parts.some(({ entries }) => !entries.some((one) => 'ended' in one)),
    seconds: 0,
  });
  new RunLog<FuzzEntry>(
    output,
    head,
    all.filter((one) => !('ended' in one) || !report.stopped),
  );
  for (const { finding } of report.groups) {
    const from = parts.find(({ entries }) =>
      entries.some((one) => 'finding' in one && one.finding === finding.finding && one.run === finding.run),
    );
    const path = join(from?.folder ?? '', FINDINGS, finding.finding);
    if (from && existsSync(path)) cpSync(path, join(output, FINDINGS, finding.finding), { recursive: true });
  }
  return report;
}
