import { Command } from 'commander';
import type { ExitCode } from '../base/errors.ts';
import { diffExitCode, diffProfiles } from '../profile/diff.ts';
import { parseSource, profilesOf, sourceName } from '../profile/source.ts';
import { type DiffReport, diffJson, diffKtap, diffText } from '../render/abi-diff.ts';
import { addTargetOptions, combinationsFrom, type TargetOptions, usage } from './abi-options.ts';
import { addFormatOptions, type FormatOptions, formatOf } from './format-options.ts';
import { printAs } from './print.ts';

interface Options extends TargetOptions, FormatOptions {
  tree?: string;
}

const HELP = `
Example:
  khoforge abi diff 6.17 6.18
  khoforge abi diff 7.3 ~/src/linux --arch arm64 --page-size 16K
  khoforge abi diff --tree ~/src/linux v7.2 HEAD

Exit code 1: something changed, and the string or number that tells its version did not.
`;

export function abiDiffCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('diff')
    .description('what changed between two sources, and whether the version changed with it')
    .argument('<a>', 'release, kernel tree, TREE@REVISION or profile file')
    .argument('<b>', 'the same')
    .option('--tree <dir>', 'then other words are git revisions of this tree');
  return addFormatOptions(addTargetOptions(command))
    .addHelpText('after', HELP)
    .action((a: string, b: string, options: Options) => {
      const reports = diff(a, b, options);
      printAs(formatOf(options), { text: diffText, json: diffJson, ktap: diffKtap }, reports);
      done(diffExitCode(reports.flatMap(({ changes }) => changes)));
    });
}

function diff(a: string, b: string, options: Options): DiffReport[] {
  const [sourceA, sourceB] = [parseSource(a, options.tree), parseSource(b, options.tree)];
  const compiler = options.cc === undefined ? {} : { cc: options.cc };
  const combinations = combinationsFrom(options);
  const profilesA = profilesOf(sourceA, combinations, compiler);
  const profilesB = profilesOf(sourceB, combinations, compiler);
  const reports = profilesA.flatMap((one) => {
    const other = profilesB.find(({ arch, pageSize }) => arch === one.arch && pageSize === one.pageSize);
    if (other === undefined) return [];
    const names = { a: sourceName(sourceA), b: sourceName(sourceB) };
    return [{ ...names, arch: one.arch, pageSize: one.pageSize, changes: diffProfiles(one, other) }];
  });
  if (reports.length === 0) {
    throw usage(`${a} and ${b} have no architecture and page size in common: try --arch and --page-size`);
  }
  return reports;
}
