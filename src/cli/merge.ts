import { Command, Option } from 'commander';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { mergeFuzz } from '../fuzz/merge.ts';
import { fuzzPassed } from '../fuzz/result.ts';
import { fuzzJson, fuzzText } from '../render/fuzz.ts';
import { FIXTURES_FOLDER, loadCatalogue } from '../suite/catalogue.ts';
import { joinedHead, mergeSuite, suiteReportOf } from '../suite/merge.ts';
import { suiteExitCode } from '../suite/result.ts';
import type { LogHead } from '../suite/run-log.ts';
import { missingShards, shardList } from '../suite/shard.ts';
import { print, printDocument, say } from './print.ts';
import { printSuite, SUITE_FORMATS, type SuiteFormat } from './print-suite.ts';

interface Options {
  output: string;
  fixtures: string;
  against?: string;
  format: SuiteFormat;
  json?: boolean;
}

const HELP = `
Example:
  khoforge suite --kernel bzImage --shard 1/2 -o out/1     # here
  khoforge suite --kernel bzImage --shard 2/2 -o out/2     # there
  khoforge merge out/1 out/2 -o out/suite

Joins what parts of one run of suite or fuzz kept, and reports it as the whole run would have. Folders of another kernel,
seed, corpus, filter or split are refused by name. What was done twice counts once; where it came to two ends, it is
flaky. suite --resume or fuzz --resume go on in the folder that is made.
Exit codes are those of suite and of fuzz: 1 also where a part is missing, or did not come to its end.
`;

export function mergeCommand(done: (code: ExitCode) => void): Command {
  return new Command('merge')
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
    .addOption(
      new Option('--format <name>', 'form of the result; of a fuzz: text or json')
        .choices(SUITE_FORMATS)
        .default('text'),
    )
    .option('--json', 'the same as --format json')
    .addHelpText('after', HELP)
    .action((folders: string[], options: Options) => {
      done(run(folders, options));
    });
}

function run(folders: readonly string[], options: Options): ExitCode {
  const head = joinedHead(folders, options.output);
  const format = options.json ? 'json' : options.format;
  if (head.run === 'fuzz' && format !== 'text' && format !== 'json')
    throw new KhoforgeError('USAGE', `a run of fuzz has no form ${format}`, {
      hint: '--format text or json',
    });
  const missing = missingShards(head.shards);
  if (missing.length > 0) say(`note: not there: ${shardList(missing)}`);
  return head.run === 'suite' ? suite(folders, head, format, options) : fuzz(folders, head, format, options);
}

function suite(
  folders: readonly string[],
  head: LogHead,
  format: SuiteFormat,
  { fixtures, output, against }: Options,
): ExitCode {
  const cases = loadCatalogue(fixtures, head.asked.filter?.split(' '));
  const report = suiteReportOf(head, mergeSuite(folders, output, head), cases, against);
  printSuite(report, format);
  return suiteExitCode(report);
}

function fuzz(folders: readonly string[], head: LogHead, format: SuiteFormat, { output }: Options): ExitCode {
  const { report, ends, open } = mergeFuzz(folders, output, head);
  if (open.length > 0) say(`note: came to no end: ${shardList(open)}`);
  if (new Set(ends.values()).size > 1)
    say(`note: of other --count: ${shardList([...ends].map(([part, count]) => `${part} of ${count}`))}`);
  if (format === 'json') printDocument(fuzzJson(report));
  else print(fuzzText(report, output));
  return fuzzPassed(report) ? ExitCode.ok : ExitCode.no;
}
