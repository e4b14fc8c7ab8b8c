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
import { FIXTURES_FOLDER, loadCatalogue } from '../../src/suite/catalogue.ts';
import type { SuiteKernel } from '../../src/suite/kernel.ts';
import { caseImage } from '../../src/suite/run-case.ts';
import { WHOLE } from '../../src/suite/shard.ts';
import { temporary } from '../guest/fake-qemu.ts';
import { sourceOf, whyUnfetchable } from './receiver.ts';

const RELEASE = '7.3';
const COUNT = 300;

let missing: string | undefined;
let tree: string;
let kernel: SuiteKernel;
let pool: SimulatorPool;
beforeAll(() => {
  missing = whyUnfetchable(RELEASE);
  if (missing !== undefined) return;
  tree = join(sourceOf(RELEASE), 'linux');
  kernel = simulatedKernel(tree, {});
  pool = new SimulatorPool(kernel.bytes);
});
afterAll(() => pool?.[Symbol.dispose]());

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
  ['memory-map/root-to-root', 'a boot is given up before it is out of memory'],
  ['scratch/region-beyond-52-bits', 'sparse_init() warns, which is not compiled'],
]);

const recorded = loadCatalogue(FIXTURES_FOLDER).flatMap((one) => {
  const outcome = one.text.outcomes?.[RELEASE];
  return outcome && !outcome.flaky && !OTHERWISE.has(one.name) ? [{ one, outcome }] : [];
});

it('knows the cases in which it comes to something else', () => {
  const names = new Set(loadCatalogue(FIXTURES_FOLDER).map(({ name }) => name));
  expect([...OTHERWISE.keys()].filter((name) => !names.has(name))).toEqual([]);
});

describe('what a kernel of 7.3 made of the catalogue, its own files make of it without a boot', () => {
  it.for(recorded.map(({ one }) => one.name))('%s', async (name, { skip }) => {
    if (missing !== undefined) skip(missing);
    const found = recorded.find(({ one }) => one.name === name);
    if (!found) throw new RangeError(name);
    const { cmdline, user } = found.one.text;
    const image = caseImage(found.one, kernel);
    const predicted = verifyImage(image, { receiver: RELEASE, cmdline: cmdline ?? '' });
    const simulated = await simulate(pool, image, { cmdline, user }, kernel.version).catch((error) => {
      if (error instanceof KhoforgeError && error.code === 'NOT_SIMULATED') return skip(error.message);
      throw error;
    });
    const [lines, before] = [simulated.outcome.lines, found.outcome.lines].map(told);
    // What a kernel writes where, no two have alike.
    const length = predicted.certain ? undefined : predicted.console.length;
    expect(lines?.slice(0, length)).toEqual(before?.slice(0, length));
    if (predicted.certain) expect(simulated.outcome.fate).toBe(found.outcome.fate);
  });
});

describe('the receiving files of a tree', () => {
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
    console.log(report.groups.map(({ finding }) => finding));
    expect(report.totals.differs + report.totals.bug).toBeLessThan(COUNT / 50);
  });

  it('are the tree’s own: an edit of them shows', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const edited = temporary();
    layOut(tree, edited);
    const file = 'kernel/liveupdate/kexec_handover.c';
    const text = readFileSync(join(edited, file), 'utf8');
    rmSync(join(edited, file));
    writeFileSync(join(edited, file), text.replace('"found kexec handover data.', '"found another thing.'));
    cpSync(join(tree, 'Makefile'), join(edited, 'Makefile'));
    using other = new SimulatorPool(simulatedKernel(edited, {}).bytes);
    const image = buildImage({ target: { release: RELEASE } });
    const { outcome } = await simulate(other, image, {}, RELEASE);
    expect(outcome.lines).toContain('KHO: found another thing.');
  });

  it('hold under AddressSanitizer and UndefinedBehaviorSanitizer, or say in which line they do not', async ({
    skip,
  }) => {
    if (missing !== undefined) skip(missing);
    using sanitized = new SimulatorPool(simulatedKernel(tree, { sanitize: true }).bytes);
    const faults = async (name: string) => {
      const one = recorded.find((other) => other.one.name === name)?.one;
      if (!one) throw new RangeError(name);
      return (await simulate(sanitized, caseImage(one, kernel), {}, RELEASE)).faults;
    };
    expect(await faults('kho-test/default')).toEqual([]);
    expect((await faults('vmalloc/order-32')).join('\n')).toMatch(
      /^kernel\/liveupdate\/kexec_handover\.c:\d+: runtime error: shift/,
    );
  });
});
