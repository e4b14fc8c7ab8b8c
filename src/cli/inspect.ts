import { Command } from 'commander';
import { ExitCode } from '../errors.ts';
import { toDts } from '../fdt/dts.ts';
import { readImageDirectory } from '../image/directory.ts';
import { inspect } from '../receiver/decode.ts';
import { inspectJson, inspectText } from '../report/inspect.ts';

interface Options {
  dts?: boolean;
  json?: boolean;
}

const HELP = `
Example:
  khoforge inspect out/quickstart
  khoforge inspect out/quickstart --json | jq .preserved
`;

export function inspectCommand(done: (code: ExitCode) => void): Command {
  return new Command('inspect')
    .description('show what an image holds: root FDT, scratch, preserved memory, subtrees')
    .argument('<source>', 'image directory')
    .option('--dts', 'print the root FDT as device tree source instead')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((source: string, options: Options) => {
      const inspection = inspect(readImageDirectory(source));
      if (options.dts && inspection.fdt) console.log(toDts(inspection.fdt.tree));
      else console.log(options.json ? inspectJson(inspection, source) : inspectText(inspection, source));
      done(inspection.fdt ? ExitCode.ok : ExitCode.badInput);
    });
}
