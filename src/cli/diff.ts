import { Command } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { diffImages, isSame } from '../receive/diff.ts';
import { diffJson, diffText } from '../render/diff.ts';
import { print, printParts } from './print.ts';
import { openImage } from './source.ts';
import { SOURCE_HELP, type SourceFlags, withSourceOptions } from './source-options.ts';
import { type TargetFlags, withTargetOptions } from './target-options.ts';

interface Options extends SourceFlags, TargetFlags {
  json?: boolean;
}

const HELP = `
Example:
  khoforge diff out/quickstart examples/quickstart.yaml
  khoforge diff before.elf after.elf --json | jq .preserved.added
${SOURCE_HELP}A spec, too: it is built in memory.
`;

export function diffCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('diff')
    .description(
      'what two handovers have differently: FDT, scratch, preserved memory by order, subtrees by field',
    )
    .argument('<a>', 'source or spec')
    .argument('<b>', 'source or spec')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP);
  return withSourceOptions(withTargetOptions(command)).action(
    async (a: string, b: string, options: Options) => {
      using first = openImage(a, options);
      using second = openImage(b, options);
      const diff = diffImages(first.image, second.image);
      if (options.json) await printParts(diffJson(diff, a, b));
      else print(diffText(diff, a, b));
      done(isSame(diff) ? ExitCode.ok : ExitCode.no);
    },
  );
}
