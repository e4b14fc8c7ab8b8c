import { Command } from 'commander';
import { RELEASES } from '../abi/declared.ts';
import { ExitCode } from '../base/errors.ts';
import { type CompatCell, type CompatParty, compatMatrix } from '../profile/compat.ts';
import { type Combination, parseSource, profilesOf } from '../profile/source.ts';
import { compatJson, compatKtap, compatText } from '../render/abi-compat.ts';
import { addTargetOptions, combinationsFrom, type TargetOptions, usage } from './abi-options.ts';
import { addFormatOptions, type FormatOptions, formatOf } from './format-options.ts';
import { printAs } from './print.ts';

interface Options extends TargetOptions, FormatOptions {
  tree?: string;
}

const HELP = `
Example:
  khoforge abi compat
  khoforge abi compat 6.17 6.18
  khoforge abi compat 7.3 ~/src/linux --arch arm64 --page-size 16K
  khoforge abi compat 7.3:4K 7.3:16K --arch arm64

Rows hand over, columns receive. Exit code 0 only when every pair works.
`;

export function abiCompatCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('compat')
    .description('can A hand over to B? per subsystem, with the reason')
    .argument(
      '[source...]',
      'releases, trees, TREE@REVISION, profile files; :4K, :16K, :64K after one is its page size',
    )
    .option('--tree <dir>', 'then other words are git revisions of this tree');
  return addFormatOptions(addTargetOptions(command))
    .addHelpText('after', HELP)
    .action((words: string[], options: Options) => {
      const cells = compatMatrix(
        (words.length === 0 ? [...RELEASES] : words).map((word) => party(word, options)),
      );
      printAs(formatOf(options), { text: compatText, json: compatJson, ktap: compatKtap }, cells);
      done(works(cells) ? ExitCode.ok : ExitCode.no);
    });
}

function works(cells: readonly CompatCell[]): boolean {
  return cells.every(({ outcome }) => outcome === 'ok');
}

function party(word: string, options: Options): CompatParty {
  const match = /^(.*):(4|16|64)K$/.exec(word);
  const size = match && { pageSize: Number(match[2]) * 1024 };
  const [combination, more]: Combination[] = combinationsFrom({ ...options, ...size });
  if (combination === undefined || more !== undefined)
    throw usage('compat takes one --arch and one --page-size');
  const source = parseSource(match?.[1] ?? word, options.tree);
  const [found] = profilesOf(source, [combination], options.cc === undefined ? {} : { cc: options.cc });
  if (found !== undefined) return { name: word, profile: found };
  throw usage(
    `there is no profile of ${word} for ${combination.arch} with pages of ${combination.pageSize} bytes`,
  );
}
