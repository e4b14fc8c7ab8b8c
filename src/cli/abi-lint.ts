import { Command } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { lintTree } from '../profile/lint.ts';
import { profileTree } from '../profile/tree.ts';
import { TREE_FILES } from '../profile/units.ts';
import { lintJson, lintKtap, lintText } from '../render/abi-lint.ts';
import { fetchRelease } from '../toolchain/debian.ts';
import { withRevision } from '../toolchain/git.ts';
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
import { printAs } from './print.ts';

interface Options extends SourceOptions, TargetOptions, FormatOptions {}

const HELP = `
Example:
  khoforge abi lint --tree ~/src/linux

It reports comments and documentation that tell another version than the define does, comments that name a
string nobody defines, and page-sized structures without a static_assert. Exit code 1 when there are any.
`;

export function abiLintCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('lint').description("what misleads readers of a kernel's ABI headers");
  return addFormatOptions(addTargetOptions(addSourceOptions(command)))
    .addHelpText('after', HELP)
    .action((options: Options) => {
      const findings = withTree(options, (tree) => lint(tree, options));
      printAs(formatOf(options), { text: lintText, json: lintJson, ktap: lintKtap }, findings);
      done(findings.length === 0 ? ExitCode.ok : ExitCode.no);
    });
}

function lint(tree: string, options: Options) {
  const [combination] = combinationsFrom(options);
  if (combination === undefined) return [];
  const { cc } = options;
  return lintTree(tree, profileTree({ ...combination, tree, ...(cc !== undefined && { cc }) }));
}

/** Lint reads comments, so it needs the files themselves. */
function withTree<T>(options: Options, use: (tree: string) => T): T {
  const source = sourceFrom(options);
  switch (source?.kind) {
    case 'tree':
      return use(source.tree);
    case 'revision':
      return withRevision(source.tree, source.revision, TREE_FILES, use);
    case 'debian':
      return use(fetchRelease(source.release, source.what).tree);
    default:
      throw usage('no source: give --tree or --release');
  }
}
