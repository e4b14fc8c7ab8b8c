import { Command, Option } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { mergeFuzz } from '../fuzz/merge.ts';
import { fuzzPassed } from '../fuzz/result.ts';
import { fuzzJson, fuzzText } from '../render/fuzz.ts';
import { suiteJson, suiteText } from '../render/suite.ts';
import { FIXTURES_FOLDER, loadCatalogue } from '../suite/catalogue.ts';
import { joinedHead, mergeSuite, suiteReportOf } from '../suite/merge.ts';
import { suitePassed } from '../suite/result.ts';
import type { LogHead } from '../suite/run-log.ts';
import { missingShards } from '../suite/shard.ts';
import { addFormatOptions, type FormatOptions, formatOf } from './format-options.ts';
import { print, printDocument, say } from './print.ts';

interface Options extends FormatOptions {
  output: string;
  fixtures: string;
  against?: string;
}

const HELP = `
Example:
  khoforge suite --kernel bzImage --shard 1/2 -o out/1     # here
  khoforge suite --kernel bzImage --shard 2/2 -o out/2     # there
  khoforge merge out/1 out/2 -o out/suite

Joins what parts of one run of suite or fuzz kept, and reports it as the whole run would have. Folders of another kernel,
seed or corpus are refused by name. suite --resume or fuzz --resume go on in the folder that is made.
Exit codes are those of suite and of fuzz: 1 also where a part is missing.
`;

export function mergeCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('merge')
    .description('join the folders that parts of a run of suite or fuzz kept, and report the whole')
    .argument('<dir...>', 'folders of -o, of each part one')
    .requiredOption('-o, --output <dir>', 'the folder of the whole')
    .option('--against <kernel>', 'of a suite: the recorded kernel to compare with; default: its own release')
    .addOption(
      new Option('--fixtures <dir>', 'of a suite: its catalogue').default(
        FIXTURES_FOLDER,
        'that of khoforge',
      ),
    )
    .addHelpText('after', HELP);
  return addFormatOptions(command, ['text', 'json']).action((folders: string[], options: Options) => {
    done(run(folders, options));
  });
}

function run(folders: readonly string[], options: Options): ExitCode {
  const head = joinedHead(folders);
  const missing = missingShards(head.shards);
  if (missing.length > 0) say(`note: not there: ${missing.join(', ')}`);
  return head.run === 'suite' ? suite(folders, head, options) : fuzz(folders, head, options);
}

function suite(folders: readonly string[], head: LogHead, options: Options): ExitCode {
  const cases = loadCatalogue(options.fixtures);
  const report = suiteReportOf(head, mergeSuite(folders, options.output, head), cases, options.against);
  if (formatOf(options) === 'json') printDocument(suiteJson(report));
  else print(suiteText(report));
  return suitePassed(report) ? ExitCode.ok : ExitCode.no;
}

function fuzz(folders: readonly string[], head: LogHead, options: Options): ExitCode {
  const report = mergeFuzz(folders, options.output, head);
  if (formatOf(options) === 'json') printDocument(fuzzJson(report));
  else print(fuzzText(report, options.output));
  return fuzzPassed(report) ? ExitCode.ok : ExitCode.no;
}
