import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readInput } from '../../src/base/files.ts';
import { functionsOf } from '../../src/coverage/functions.ts';
import { simulatedKernel } from '../../src/simulator/kernel.ts';
import { SimulatedLines } from '../../src/simulator/lines.ts';
import { SimulatorPool } from '../../src/simulator/process.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { FIXTURES_FOLDER, loadCatalogue } from '../../src/suite/catalogue.ts';
import { caseImage } from '../../src/suite/run-case.ts';
import { sourceOf, whyUnfetchable } from './receiver.ts';

const CORE = 'kernel/liveupdate/kexec_handover.c';

describe('the lines of 7.3 that are run without a boot', () => {
  it('are those that the handover leads to', async ({ skip }) => {
    const missing = whyUnfetchable('7.3');
    if (missing !== undefined) skip(missing);
    const tree = join(sourceOf('7.3'), 'linux');
    const kernel = simulatedKernel(tree, { coverage: true });
    const lines = await SimulatedLines.read(kernel.bytes, tree);
    const functions = functionsOf(Buffer.from(readInput(join(tree, CORE))).toString());
    using pool = new SimulatorPool(kernel.bytes);
    const functionsRun = async (name: string) => {
      const [one] = loadCatalogue(FIXTURES_FOLDER, [name]);
      if (!one) throw new RangeError(name);
      const { ran } = await simulate(pool, caseImage(one, kernel), one.text, kernel.version);
      const run = lines.of(ran);
      expect(lines.of(ran)).toEqual(run);
      const isIn = (line: number, { first, last }: { first: number; last: number }) =>
        line >= first && line <= last;
      const ofCore = run.flatMap((text) => (text.startsWith(`${CORE}:`) ? [Number(text.split(':')[1])] : []));
      return functions.filter((one) => ofCore.some((line) => isIn(line, one))).map(({ name: own }) => own);
    };
    const revived = await functionsRun('kho-test/default');
    expect(revived).toEqual(
      expect.arrayContaining(['kho_populate', 'kho_retrieve_subtree', 'kho_restore_folio']),
    );
    const refused = await functionsRun('root-fdt/compatible-empty');
    expect(refused).toContain('kho_populate');
    expect(refused).not.toContain('kho_restore_folio');
    expect(refused).not.toContain('kho_preserve_folio');
    // Each handover has a kernel of its own.
    expect(await functionsRun('kho-test/default')).toEqual(revived);
  });
});
