import { availableParallelism } from 'node:os';
import { beforeAll, describe, expect, it } from 'vitest';
import { FIXTURES_FOLDER, loadCatalogue } from '../../src/suite/catalogue.ts';
import { Journal } from '../../src/suite/journal.ts';
import { readSuiteKernel, type SuiteKernel } from '../../src/suite/kernel.ts';
import { runSuite } from '../../src/suite/run.ts';
import { temporary } from '../guest/fake-qemu.ts';
import { buildKernel } from './receiver.ts';

/** All of it takes some minutes: `khoforge suite --kernel FILE`. */
const EVERY = 8;

describe(`every ${EVERY}th case of the catalogue, on 7.3`, () => {
  let kernel: SuiteKernel;
  beforeAll(() => {
    kernel = readSuiteKernel(buildKernel());
  });

  it('comes to what is recorded of it', async () => {
    const cases = loadCatalogue(FIXTURES_FOLDER).filter((_, i) => i % EVERY === 0);
    const folder = temporary();
    const { results } = await runSuite(cases, kernel, {
      folder,
      journal: new Journal(folder, kernel, false),
      jobs: availableParallelism(),
      repeat: 1,
      timeout: 60,
    });
    const ran = results.flatMap((result) => (result.kind === 'ran' ? [result] : []));
    expect(ran.length).toBeGreaterThan(cases.length / 2);
    expect(results.filter(({ kind }) => kind === 'failed')).toEqual([]);
    const changed = ran.filter(({ since }) => !['same', 'flaky'].includes(since?.change ?? 'new'));
    expect(changed).toEqual([]);
  });
});
