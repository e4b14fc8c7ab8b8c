import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { temporaryFolder } from '../base/cleanup.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { ALL_ARRIVES, judgeCell, readExpectations } from '../matrix/expect.ts';
import { readParties } from '../matrix/party.ts';
import { type MatrixOptions, type MatrixReport, runMatrix } from '../matrix/run.ts';
import { matrixJson, matrixKtap, matrixPassed, matrixText } from '../render/matrix.ts';
import { matrixHtml } from '../render/matrix-html.ts';
import { type Shard, WHOLE } from '../suite/shard.ts';
import { interruptible } from './interruptible.ts';
import { sizeOption } from './number-options.ts';
import { printAs, printDocument } from './print.ts';
import { Progress } from './progress.ts';
import { countOption, shardOption } from './shard-options.ts';

const FORMATS = ['text', 'json', 'ktap', 'html'] as const;

interface Options {
  format: (typeof FORMATS)[number];
  json?: boolean;
  abi: Record<string, string>;
  expect?: string;
  output?: string;
  cmdline?: string;
  memory?: bigint;
  jobs: number;
  shard: Shard;
  timeout: number;
  cc?: string;
}

const HELP = `
Example:
  khoforge matrix old/bzImage new/bzImage
  khoforge matrix now=a/bzImage next=b/bzImage --abi next=~/src/linux -o out/matrix
  khoforge matrix k/*/bzImage --expect upgrade.yaml --format ktap
  khoforge matrix k/*/bzImage --format html > matrix.html

Each kernel is booted as the first one and hands over once ('produce'); each then receives each handover. Of each pair there
are three answers: what the headers say (a release's own, or those of --abi), what 'verify' foretells, and what the kernel
and its user space did. Where one contradicts another that is a finding. With -o DIR handovers are kept, and made again only
for another kernel or other options.
--expect FILE is a list of { from: "7.2*", to: "7.3*", expect: all }: all, part, nothing, broken, or a list of them. Of
several that name a pair the first counts. Without it everything has to arrive.

Exit codes: 0 every pair is as expected, 1 one is not, 4 no pair could be tried.
`;

export function matrixCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('matrix')
    .description('let each kernel hand over to each: headers, prediction, and what really comes back')
    .argument('<kernel...>', 'bzImage, or arm64 Image; NAME=PATH gives it another name than its version')
    .option(
      '--abi <name=source>',
      'headers of a kernel: a release, tree or profile; may be repeated',
      abiOption,
      {},
    )
    .option('--expect <file>', 'what each pair is to come to; default: everything arrives')
    .option('-o, --output <dir>', 'keep handovers and consoles there')
    .option('--cmdline <text>', 'more kernel command line, of all kernels')
    .option('--memory <size>', 'guest memory; default 512MiB', sizeOption)
    .option('--jobs <n>', 'kernels at a time', countOption, availableParallelism())
    .option('--shard <i/n>', 'one of several parts of the pairs, e.g. 1/4', shardOption, WHOLE)
    .option('--timeout <seconds>', 'limit for one kernel', countOption, 120)
    .option('--cc <command>', 'compiler for the init of the guest; default gcc, a cross gcc or clang')
    .addOption(new Option('--format <name>', 'form of the result').choices(FORMATS).default('text'))
    .option('--json', 'the same as --format json')
    .addHelpText('after', HELP);
  return command.action(async (kernels: string[], options: Options) => {
    done(await run(kernels, options));
  });
}

async function run(kernels: readonly string[], options: Options): Promise<ExitCode> {
  const { abi, expect, output, cc } = options;
  const format = formatFrom(options);
  const expectations = expect === undefined ? ALL_ARRIVES : readExpectations(expect);
  const parties = readParties(kernels, { abi, ...(cc !== undefined && { cc }) });
  using folder = output === undefined ? temporaryFolder('matrix') : undefined;
  const judged = await interruptible(async (signal) => {
    const report = await runWithProgress(parties, {
      ...options,
      folder: output ?? folder?.path ?? '',
      signal,
    });
    const cells = report.cells.map((cell) => judgeCell(cell, expectations));
    if (format === 'html') printDocument(matrixHtml(report, cells));
    else printAs(format, { text: matrixText, json: matrixJson, ktap: matrixKtap }, report, cells);
    return cells;
  });
  if (!judged.some(({ cell }) => cell.real)) return ExitCode.skipped;
  return matrixPassed(judged) ? ExitCode.ok : ExitCode.no;
}

function formatFrom({ format, json }: Options): Options['format'] {
  if (json !== true || format === 'json') return json === true ? 'json' : format;
  if (format === 'text') return 'json';
  throw new KhoforgeError('USAGE', `--json and --format ${format} exclude each other`);
}

async function runWithProgress(
  parties: Parameters<typeof runMatrix>[0],
  options: MatrixOptions,
): Promise<MatrixReport> {
  const progress = new Progress();
  try {
    return await runMatrix(parties, {
      ...options,
      onStep: (what, done, total) => progress.update(`${done} of ${total}: ${what}`),
    });
  } finally {
    progress.finish();
  }
}

function abiOption(text: string, known: Record<string, string>): Record<string, string> {
  const [, name, source] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || source === undefined) {
    throw new InvalidArgumentError('Expected NAME=SOURCE, such as next=~/src/linux.');
  }
  return { ...known, [name]: source };
}
