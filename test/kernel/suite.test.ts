import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CoveredProgram, readProgram } from '../../src/coverage/program.ts';
import { FIXTURES_FOLDER, loadCatalogue } from '../../src/suite/catalogue.ts';
import { Journal } from '../../src/suite/journal.ts';
import { readSuiteKernel, type SuiteKernel } from '../../src/suite/kernel.ts';
import { runSuite } from '../../src/suite/run.ts';
import { Traced } from '../../src/suite/traced.ts';
import { temporary } from '../guest/fake-qemu.ts';
import { buildKernel, sourceOf } from './receiver.ts';

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

describe('the lines of the kernel that were run', () => {
  let kernel: SuiteKernel;
  let program: CoveredProgram;
  beforeAll(async () => {
    const image = buildKernel('--host');
    kernel = readSuiteKernel(image);
    program = await readProgram(join(dirname(image), 'vmlinux'), join(sourceOf('7.3'), 'linux'));
  });

  /** Whether any boot ran each function. */
  async function functionsRun(filter: string): Promise<Map<string, boolean>> {
    const folder = temporary();
    const traced = new Traced(kernel, [program]);
    const { results } = await runSuite(loadCatalogue(FIXTURES_FOLDER, [filter]), kernel, {
      folder,
      journal: new Journal(folder, kernel, false),
      jobs: availableParallelism(),
      repeat: 1,
      timeout: 60,
      traced,
    });
    expect(results.map(({ kind }) => kind)).toEqual(['ran']);
    return new Map(
      traced.files.flatMap(({ functions, boots }) =>
        functions.map(({ name, first, last }) => {
          const isRun = [...boots].some(([line, count]) => count > 0 && line >= first && line <= last);
          return [name, isRun] as const;
        }),
      ),
    );
  }

  it('are those that the handover leads to', async () => {
    const revived = await functionsRun('kho-test/default');
    expect(revived.get('kho_populate')).toBe(true);
    expect(revived.get('add_kho')).toBe(true);
    expect(revived.get('kho_test_restore')).toBe(true);
    expect(revived.get('memfd_luo_retrieve')).toBe(false);
    const refused = await functionsRun('root-fdt/compatible-empty');
    expect(refused.get('kho_populate')).toBe(true);
    expect(refused.get('kho_restore_folio')).toBe(false);
  });
});
