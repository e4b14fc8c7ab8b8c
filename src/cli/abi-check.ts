import { release } from 'node:os';
import { Command } from 'commander';
import { RELEASES } from '../abi/declared.ts';
import type { ExitCode } from '../base/errors.ts';
import { openBtf } from '../btf/btf.ts';
import { profileBtf } from '../profile/btf.ts';
import { btfCombination, HOST_BTF } from '../profile/btf-target.ts';
import { type CheckResult, checkExitCode, checkProfile } from '../profile/check.ts';
import { checkBtfAlone, checkRoutes } from '../profile/routes.ts';
import { COMBINATIONS, type Combination, profilesOf, type Source } from '../profile/source.ts';
import { checkJson, checkKtap, checkText } from '../render/abi-check.ts';
import {
  addSourceOptions,
  addTargetOptions,
  combinationsFrom,
  type SourceOptions,
  sourceFrom,
  type TargetOptions,
  usage,
} from './abi-options.ts';
import { addFormatOptions, type FormatOptions, formatOf } from './format-options.ts';
import { printAs, say } from './print.ts';

interface Options extends SourceOptions, TargetOptions, FormatOptions {
  as?: string;
  btf?: string;
}

const HELP = `
Example:
  khoforge abi check --tree ~/src/linux --arch all --page-size all
  khoforge abi check --tree ~/src/linux --rev v7.1 --format ktap
  khoforge abi check --release 7.3
  khoforge abi check --tree ~/src/linux --btf ~/src/linux/vmlinux

Without a source it compares with the profiles that come with khoforge. A mismatch, or an item that khoforge
does not know, is exit code 1; an item that the source lacks is reported and no error.
--btf reads the layouts from a built kernel: alone, or as a second opinion on the headers. Where the two
disagree, that is exit code 1. Strings, macros and alignments are not in BTF: alone it leaves them unchecked.
`;

export function abiCheckCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('check').description("khoforge's layouts against a kernel's headers");
  return addFormatOptions(addTargetOptions(addSourceOptions(command)))
    .option('--as <series>', 'compare with the layouts of this release')
    .option('--btf <file>', 'vmlinux, its .BTF section, or /sys/kernel/btf/vmlinux')
    .addHelpText('after', HELP)
    .action((options: Options) => {
      if (options.as !== undefined && !RELEASES.some((release) => release === options.as)) {
        throw usage(`--as '${options.as}': expected one of ${RELEASES.join(', ')}`);
      }
      const results = check(options);
      printAs(formatOf(options), { text: checkText, json: checkJson, ktap: checkKtap }, results);
      done(checkExitCode(results));
    });
}

function check(options: Options): CheckResult[] {
  const source = sourceFrom(options);
  if (options.btf !== undefined) return checkBtf(options.btf, source, options);
  if (source === undefined) {
    return RELEASES.flatMap((release) => checkSource({ kind: 'known', release }, COMBINATIONS, options));
  }
  return checkSource(source, combinationsFrom(options), options);
}

/** BTF alone, or with headers of the same kernel. */
function checkBtf(file: string, source: Source | undefined, options: Options): CheckResult[] {
  const btf = openBtf(file);
  const combination = btfCombination(btf, file, askedOf(options));
  if (source === undefined) {
    return checkBtfAlone(btf, { ...combination, file }, options.as ?? btf.release ?? hostRelease(file));
  }
  const { cc, as } = options;
  return profilesOf(source, [combination], cc === undefined ? {} : { cc }).flatMap((headers) => {
    const about = { ...combination, file, release: headers.release, wanted: headers.items };
    return checkRoutes(headers, profileBtf(btf, about), as);
  });
}

/** Of a file that does not tell; undefined, with a note, when it is not this host's either. */
function hostRelease(file: string): string | undefined {
  if (file === HOST_BTF) return release().split('.').slice(0, 2).join('.');
  say(`note: ${file} does not tell its release: it is compared with the newest; --as names another`);
  return undefined;
}

function askedOf({ arch, pageSize }: Options) {
  return { ...(arch !== 'all' && { arch }), ...(pageSize !== 'all' && { pageSize }) };
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
