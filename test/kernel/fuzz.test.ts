import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { catalogueBases } from '../../src/fuzz/bases.ts';
import { openFuzzLog } from '../../src/fuzz/log.ts';
import { runFuzz } from '../../src/fuzz/run.ts';
import { specOfText } from '../../src/specfile/load.ts';
import { readSuiteKernel, type SuiteKernel } from '../../src/suite/kernel.ts';
import { WHOLE } from '../../src/suite/shard.ts';
import { temporary } from '../guest/fake-qemu.ts';
import { buildKernel } from './receiver.ts';

const COUNT = 12;

describe('the fuzzer, on 7.3', () => {
  let kernel: SuiteKernel;
  beforeAll(() => {
    kernel = readSuiteKernel(buildKernel());
  });

  it('gets an answer to each run, and keeps what was not foretold as a case', async () => {
    const folder = temporary();
    const { bases, digest } = catalogueBases(kernel);
    const asked = { seed: '1', corpus: digest };
    const log = openFuzzLog(folder, kernel, asked, WHOLE, false);
    const options = { ...asked, count: COUNT, seconds: Number.POSITIVE_INFINITY, shard: WHOLE, jobs: 2 };
    const report = await runFuzz(bases, kernel, { ...options, folder, timeout: 60, log });
    expect(report).toMatchObject({ failed: {}, stopped: false });
    expect(Object.values(report.totals).reduce((sum, count) => sum + count, 0)).toBe(COUNT);
    expect(report.totals.same + report.totals.open).toBeGreaterThan(COUNT / 2);
    for (const { finding } of report.groups) {
      const file = join(folder, 'findings', finding.finding, 'spec.yaml');
      expect(specOfText(readFileSync(file, 'utf8'), file).spec.case?.releases).toEqual(['7.3']);
    }
  });
});
