import { Command, Option } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { toDts } from '../fdt/dts.ts';
import type { Image } from '../model/image.ts';
import { type Inspection, inspect } from '../receive/decode.ts';
import { inspectJson, inspectText } from '../render/inspect.ts';
import { respecify, specDifferences, specYaml } from '../respec/as-spec.ts';
import { openWithProgress } from './open-source.ts';
import { print, printDocument, printParts, say } from './print.ts';
import { ownOf } from './source.ts';
import { openOptions, SOURCE_HELP, type SourceFlags, withSourceOptions } from './source-options.ts';
import { type TargetFlags, targetFrom, withTargetOptions } from './target-options.ts';

interface Options extends SourceFlags, TargetFlags {
  dts?: boolean;
  asSpec?: boolean;
  json?: boolean;
}

const HELP = `
Example:
  khoforge inspect out/quickstart
  khoforge inspect guest.elf --json | jq .preserved
  khoforge inspect /sys/kernel/debug/kho/in/fdt --dts
${SOURCE_HELP}`;

export function inspectCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('inspect')
    .description('show what a source holds: root FDT, scratch, preserved memory, subtrees')
    .argument('<source>', 'image directory, ELF core, raw dump or root FDT')
    .addOption(
      new Option('--dts', 'print the root FDT as device tree source instead').conflicts(['asSpec', 'json']),
    )
    .addOption(
      new Option(
        '--as-spec',
        'print a YAML spec from which `build` makes the same root FDT and preserved memory',
      ).conflicts('json'),
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP);
  return withSourceOptions(withTargetOptions(command)).action(async (source: string, options: Options) => {
    using opened = openWithProgress(source, {
      ...openOptions(options),
      ...ownOf(targetFrom(options, options)),
    });
    const inspection = inspect(opened.image);
    if (options.asSpec) {
      done(printSpec(opened.image, inspection, source));
      return;
    }
    if (options.dts && inspection.fdt) printDocument(toDts(inspection.fdt.tree));
    else if (options.json) await printParts(inspectJson(inspection, source, opened));
    else print(inspectText(inspection, source, opened));
    done(inspection.fdt || !inspection.handedOver ? ExitCode.ok : ExitCode.badInput);
  });
}

/** A spec that says something else than the source is still of use: what is lost goes to stderr. */
function printSpec(image: Image, inspection: Inspection, source: string): ExitCode {
  const { spec, built } = respecify(image, inspection);
  printDocument(specYaml(spec, source).trimEnd());
  const differences = specDifferences(spec, image, inspection, built);
  for (const text of differences) say(`note: the spec is not all of ${source}: ${text}`);
  return differences.length === 0 ? ExitCode.ok : ExitCode.no;
}
