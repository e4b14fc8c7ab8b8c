import { dirname, join } from 'node:path';
import { makeFolders } from '../base/files.ts';
import { writeImageDirectory } from '../formats/directory.ts';
import { checkOutput } from '../output/check.ts';
import type { Case } from './catalogue.ts';
import type { SuiteKernel } from './kernel.ts';
import { caseImage, whyNot } from './run-case.ts';

/**
 * Writes the image of each case that says something of the kernel, for other programs: DIR/scratch/overlap/manifest.json.
 * @param force as of `build`
 * @returns names of the cases that were written
 * @throws KhoforgeError of caseImage(), checkOutput() and writeImageDirectory()
 */
export function writeImages(
  cases: readonly Case[],
  kernel: SuiteKernel,
  folder: string,
  force: boolean,
): string[] {
  const wanted = cases.filter((one) => whyNot(one, kernel) === undefined);
  const paths = wanted.map(({ name }) => join(folder, name));
  for (const path of paths) checkOutput(path, 'dir', { force });
  for (const [i, one] of wanted.entries()) {
    const path = paths[i] ?? folder;
    makeFolders(dirname(path));
    writeImageDirectory(caseImage(one, kernel), path, {
      force,
    });
  }
  return wanted.map(({ name }) => name);
}
