import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KhoforgeError } from '../../src/base/errors.ts';
import { catalogueBases } from '../../src/fuzz/bases.ts';
import { openFuzzLog } from '../../src/fuzz/log.ts';
import { runFuzz } from '../../src/fuzz/run.ts';
import { buildImage } from '../../src/produce/build-image.ts';
import { verifyImage } from '../../src/receive/verify.ts';
import { simulatedKernel } from '../../src/simulator/kernel.ts';
import { SimulatorPool } from '../../src/simulator/process.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { layOut } from '../../src/simulator/tree.ts';
import { type Case, FIXTURES_FOLDER, loadCatalogue } from '../../src/suite/catalogue.ts';
import type { SuiteKernel } from '../../src/suite/kernel.ts';
import { caseImage } from '../../src/suite/run-case.ts';
import { WHOLE } from '../../src/suite/shard.ts';
import { temporary } from '../guest/fake-qemu.ts';
import { sourceOf, whyUnfetchable } from './receiver.ts';

/** Runs of the fuzzer. */
const COUNT = 300;

/** How a kernel dies, a simulated one says in other words; where its record was, only a boot loader knows. */
const DEATH = /^BUG: |^kernel BUG |^(?:\S+: )?Oops: |^PANIC: |^Kernel panic/;
const WARNING = /^WARNING: \S+ at (\w+).*/;
const told = (lines: readonly string[]) =>
  lines
    .filter((line) => !DEATH.test(line))
    .map((line) => line.replace(WARNING, 'WARNING: $1').replace(/(kho data \()0x[0-9a-f]+/, '$1ADDRESS'));

/** Where a simulated kernel comes to something else, and why. */
const OTHERWISE: ReadonlyMap<string, string> = new Map([
  ['luo-file/block-not-preserved', 'a kernel has written over memory that was not preserved'],
  ['luo-file/list-is-block-of-sessions', 'a kernel has written over memory that was not preserved'],
  ['memfd/index-highest', 'shmem_evict_inode() warns (7.2), which is not compiled'],
  ['memory-map/key-2', 'what else is allocated from what is left decides'],
  ['memory-map/root-to-root', 'a boot is given up before it is out of memory'],
  ['scratch/all-memory', 'sparse_init() warns or faults, which is not compiled'],
  ['scratch/beyond-end-of-ram', 'sparse_init() warns or faults, which is not compiled'],
  ['scratch/off-by-a-byte', 'the page allocator gives out a page of scratch, which is not compiled'],
  ['scratch/outside-ram', 'sparse_init() warns or faults, which is not compiled'],
  ['scratch/region-beyond-52-bits', 'sparse_init() warns or faults, which is not compiled'],
]);

const CATALOGUE = loadCatalogue(FIXTURES_FOLDER);
const outcomeOf = (one: Case, release: string) => one.text.outcomes?.[release];

it('knows the cases in which it comes to something else', () => {
  const names = new Set(CATALOGUE.map(({ name }) => name));
  expect([...OTHERWISE.keys()].filter((name) => !names.has(name))).toEqual([]);
});

describe.each(['7.2', '7.3'])('the receiving files of %s, without a boot', (release) => {
  let missing: string | undefined;
  let tree: string;
  let kernel: SuiteKernel;
  let pool: SimulatorPool;
  beforeAll(() => {
    missing = whyUnfetchable(release);
    if (missing !== undefined) return;
    tree = join(sourceOf(release), 'linux');
    kernel = simulatedKernel(tree, {});
    pool = new SimulatorPool(kernel.bytes);
  });
  afterAll(() => pool?.[Symbol.dispose]());

  const recorded = CATALOGUE.filter((one) => {
    const outcome = outcomeOf(one, release);
    return outcome && !outcome.flaky && !OTHERWISE.has(one.name);
  });

  it.for(recorded.map(({ name }) => name))(
    'come to what a kernel came to with %s',
    async (name, { skip }) => {
      if (missing !== undefined) skip(missing);
      const one = recorded.find((other) => other.name === name);
      const outcome = one && outcomeOf(one, release);
      if (!one || !outcome) throw new RangeError(name);
      const { cmdline, user } = one.text;
      const image = caseImage(one, kernel);
      const predicted = verifyImage(image, { receiver: release, cmdline: cmdline ?? '' });
      const simulated = await simulate(pool, image, { cmdline, user }, kernel.version).catch((error) => {
        if (error instanceof KhoforgeError && error.code === 'NOT_SIMULATED') return skip(error.message);
        throw error;
      });
      const [lines, before] = [simulated.outcome.lines, outcome.lines].map(told);
      // What a kernel writes where, no two have alike.
      const length = predicted.certain ? undefined : predicted.console.length;
      expect(lines?.slice(0, length)).toEqual(before?.slice(0, length));
      if (predicted.certain) expect(simulated.outcome.fate).toBe(outcome.fate);
    },
  );

  it('come to what verify foretells, in hundreds of handovers made wrong by chance', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const folder = temporary();
    const { bases, digest } = catalogueBases(kernel);
    const asked = { seed: 'slice', corpus: digest };
    const log = openFuzzLog(folder, kernel, asked, WHOLE, false);
    const options = { ...asked, count: COUNT, seconds: Number.POSITIVE_INFINITY, shard: WHOLE, jobs: 2 };
    const report = await runFuzz(bases, kernel, { ...options, simulator: pool, folder, timeout: 60, log });
    expect(report).toMatchObject({ failed: {}, stopped: false });
    expect(report.totals.same).toBeGreaterThan(COUNT / 2);
    // With every case that the catalogue gets the runs are others: what is found is for people to look at.
    const found = report.groups.map(({ finding }) => finding);
    if (found.length > 0) console.log(release, found);
    expect(report.totals.differs + report.totals.bug).toBeLessThan(COUNT / 50);
  });

  it('are the tree’s own: an edit of them shows', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const edited = temporary();
    layOut(tree, edited);
    const file = join(edited, 'kernel/liveupdate/kexec_handover.c');
    const text = readFileSync(file, 'utf8');
    rmSync(file);
    writeFileSync(file, text.replace('"found kexec handover data.', '"found another thing.'));
    cpSync(join(tree, 'Makefile'), join(edited, 'Makefile'));
    using other = new SimulatorPool(simulatedKernel(edited, {}).bytes);
    const { outcome } = await simulate(other, buildImage({ target: { release } }), {}, release);
    expect(outcome.lines).toContain('KHO: found another thing.');
  });

  it('hold under sanitizers, or it is said in which line they do not', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    using sanitized = new SimulatorPool(simulatedKernel(tree, { sanitize: true }).bytes);
    const faults = async (name: string) => {
      const one = recorded.find((other) => other.name === name);
      if (!one) throw new RangeError(name);
      return (await simulate(sanitized, caseImage(one, kernel), {}, release)).faults;
    };
    expect(await faults('kho-test/default')).toEqual([]);
    expect((await faults('vmalloc/order-32')).join('\n')).toMatch(
      /^kernel\/liveupdate\/kexec_handover\.c:\d+: runtime error: shift exponent N/,
    );
  });
});
