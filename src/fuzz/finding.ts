import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { makeFolders, reason } from '../base/files.ts';
import { jsonValue } from '../base/json.ts';
import type { SuiteKernel } from '../suite/kernel.ts';
import type { Evidence } from './attempt.ts';
import type { Setting } from './base.ts';
import type { Finding } from './result.ts';

/** Where findings are kept: FOLDER/findings/GROUP. */
export const FINDINGS = 'findings';
/** What is kept of one. */
const [SPEC, PREDICTION, CONSOLE] = ['spec.yaml', 'prediction.json', 'console.log'] as const;
export const FINDING_FILES = [SPEC, PREDICTION, CONSOLE] as const;

/**
 * Keeps a finding: the spec, which is a case of the catalogue, what was foretold, and the console.
 * @throws KhoforgeError `OUTPUT_FAILED`
 */
export function keepFinding(
  folder: string,
  finding: Finding,
  { document, predicted, console }: Evidence,
  setting: Setting,
  kernel: SuiteKernel,
): void {
  const path = join(folder, FINDINGS, finding.finding);
  const spec = document.clone();
  spec.set('case', spec.createNode(caseOf(finding, setting, kernel)));
  try {
    makeFolders(path);
    writeFileSync(join(path, SPEC), spec.toString({ lineWidth: 0 }));
    if (predicted) writeFileSync(join(path, PREDICTION), `${JSON.stringify(predicted, jsonValue, 2)}\n`);
    if (console !== undefined && existsSync(console)) copyFileSync(console, join(path, CONSOLE));
  } catch (cause) {
    throw new KhoforgeError('OUTPUT_FAILED', `cannot write ${path}: ${reason(cause)}`, {
      where: { file: path },
      exitCode: ExitCode.couldNotRun,
      cause,
    });
  }
}

export const mutationsText = (base: string, mutations: readonly string[]): string =>
  mutations.length === 0 ? `${base} as it is` : `${base} with ${mutations.join('; ')}`;

function caseOf(finding: Finding, setting: Setting, { version, release }: SuiteKernel) {
  const { base, mutations, bug, difference } = finding;
  return {
    about: mutationsText(base, mutations),
    why:
      bug ?? `Foretold was ${difference?.predicted}, and of Linux ${version} it was ${difference?.actual}.`,
    handover: 'bad',
    releases: [release],
    ...setting,
  };
}
