import { Command } from 'commander';
import { RELEASES } from '../abi/releases.ts';
import type { ExitCode } from '../errors.ts';
import { type CheckResult, checkExitCode, checkProfile } from '../profile/check.ts';
import { COMBINATIONS, type Combination, profilesOf, type Source } from '../profile/source.ts';
import { checkJson, checkKtap, checkText } from '../report/abi-check.ts';
import {
  addFormatOptions,
  addSourceOptions,
  addTargetOptions,
  combinationsFrom,
  type FormatOptions,
  formatOf,
  type SourceOptions,
  sourceFrom,
  type TargetOptions,
  usage,
} from './abi-options.ts';

interface Options extends SourceOptions, TargetOptions, FormatOptions {
  as?: string;
}

const HELP = `
Example:
  khoforge abi check --tree ~/src/linux --arch all --page-size all
  khoforge abi check --tree ~/src/linux --rev v7.1 --format ktap
  khoforge abi check --release 7.3

Without a source it compares with the profiles that come with khoforge. A mismatch, or an item that khoforge
does not know, is exit code 1; an item that the source lacks is reported and no error.
`;

export function abiCheckCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('check').description("khoforge's layouts against a kernel's headers");
  return addFormatOptions(addTargetOptions(addSourceOptions(command)))
    .option('--as <series>', 'compare with the layouts of this release')
    .addHelpText('after', HELP)
    .action((options: Options) => {
      if (options.as !== undefined && !RELEASES.some((release) => release === options.as)) {
        throw usage(`--as '${options.as}': expected one of ${RELEASES.join(', ')}`);
      }
      const results = check(options);
      const format = formatOf(options);
      console.log({ text: checkText, json: checkJson, ktap: checkKtap }[format](results));
      done(checkExitCode(results));
    });
}

function check(options: Options): CheckResult[] {
  const source = sourceFrom(options);
  if (source === undefined) {
    return RELEASES.flatMap((release) => checkSource({ kind: 'known', release }, COMBINATIONS, options));
  }
  return checkSource(source, combinationsFrom(options), options);
}

function checkSource(
  source: Source,
  combinations: readonly Combination[],
  { cc, as }: Options,
): CheckResult[] {
  const missing: CheckResult[] = [];
  const release = as ?? ('release' in source ? source.release : '');
  const profiles = profilesOf(source, combinations, {
    ...(cc !== undefined && { cc }),
    onMissing: (combination, { message, hint }) =>
      missing.push({
        ...combination,
        release,
        item: '*',
        status: 'could-not-check',
        expected: null,
        actual: hint === undefined ? message : `${message}; ${hint}`,
      }),
  });
  return [...profiles.flatMap((profile) => checkProfile(profile, as)), ...missing];
}
