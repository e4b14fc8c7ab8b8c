import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { temporaryFolder } from '../base/cleanup.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { type Bases, catalogueBases, folderBases } from '../fuzz/bases.ts';
import { openFuzzLog } from '../fuzz/log.ts';
import { fuzzPassed } from '../fuzz/result.ts';
import { runFuzz } from '../fuzz/run.ts';
import { fuzzJson, fuzzText } from '../render/fuzz.ts';
import { simulatedKernel } from '../simulator/kernel.ts';
import { SimulatorPool } from '../simulator/process.ts';
import { readSuiteKernel, type SuiteKernel } from '../suite/kernel.ts';
import { type Shard, WHOLE } from '../suite/shard.ts';
import { addFormatOptions, type FormatOptions, formatOf } from './format-options.ts';
import { checkLineFlags, openLines } from './fuzz-lines.ts';
import { interruptible } from './interruptible.ts';
import { print, printDocument } from './print.ts';
import { Progress } from './progress.ts';
import { countOption, shardOption } from './shard-options.ts';

interface Options extends FormatOptions {
  kernel?: string;
  tree?: string;
  sanitize?: boolean;
  corpus?: string;
  seed: string;
  count: number;
  minutes?: number;
  shard: Shard;
  release?: string;
  jobs: number;
  timeout: number;
  cc?: string;
  output?: string;
  resume?: boolean;
  coverage?: boolean;
  guided?: boolean;
  vmlinux?: string;
  source?: string;
}

const HELP = `
Example:
  khoforge fuzz --kernel arch/x86/boot/bzImage --count 500 -o out/fuzz
  khoforge fuzz --kernel bzImage --seed 7 --minutes 60 -o out/fuzz --resume
  khoforge fuzz --kernel bzImage --corpus my-specs --shard 3/16 -o out/fuzz-3
  khoforge fuzz --tree ~/src/linux --count 20000 -o out/fuzz
  khoforge fuzz --kernel linux/arch/x86/boot/bzImage --guided --vmlinux linux/vmlinux -o out/fuzz
  khoforge boot out/fuzz/findings/NAME/spec.yaml --kernel bzImage

Makes good handovers wrong in one to three places, foretells with verify what the kernel makes of each, boots it, and
compares verdict and console, line by line. What differs is reduced to the fewest changes and kept as a spec, one for
each cause. With --tree no kernel boots: the tree's own files that receive a handover are compiled into a program, which
answers hundreds of times faster. A seed gives the same runs on every machine: docs/fuzz.md.
Exit code 0: the kernel did all that was foretold; 1: it did not, or a run was not come to; 2: bad input; 3: could not
run. ^C prints what was found; with -o DIR, --resume goes on later. khoforge merge joins the folders of shards.
`;

export function fuzzCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('fuzz')
    .description(
      'make handovers wrong by chance, and compare what a kernel makes of them with what verify foretells',
    )
    .option('--kernel <file>', 'bzImage, or arm64 Image, with KHO and a serial console')
    .option(
      '--tree <dir>',
      'instead: the receiving C files of a kernel tree, compiled for user space; boots nothing',
    )
    .option('--sanitize', 'with --tree: under AddressSanitizer and UndefinedBehaviorSanitizer')
    .option(
      '--corpus <path>',
      'a spec, or a folder of specs, to start from; default: the good ones of the catalogue',
    )
    .option('--seed <text>', 'of all that is drawn by chance', '1')
    .option('--count <n>', 'runs, of all shards together', countOption, 200)
    .option('--minutes <n>', 'no run begins later than that', minutesOption)
    .option(
      '--guided',
      'keep what reaches new lines of the kernel, and make it wrong further; needs --vmlinux, or --tree',
    )
    .option('--coverage', 'count the lines of the kernel that runs reach; needs --vmlinux, or --tree')
    .option('--vmlinux <file>', 'the kernel with its debug information')
    .option('--source <dir>', 'the tree it was built from; default: where the vmlinux is')
    .option('--shard <i/n>', 'one of several parts, e.g. 3/16; default: the whole', shardOption, WHOLE)
    .option('--release <release>', 'the release whose handovers the kernel takes; default: by its version')
    .option('--jobs <n>', 'boots at a time', countOption, availableParallelism())
    .option('--timeout <seconds>', 'limit for one boot', countOption, 60)
    .option('--cc <command>', 'compiler for the init of the guest; default gcc, a cross gcc or clang')
    .option('-o, --output <dir>', 'keep results as they come, and what differs as specs with its console')
    .option('--resume', 'with -o: go on with an earlier run there')
    .addHelpText('after', HELP);
  return addFormatOptions(command, ['text', 'json']).action(async (options: Options) => {
    done(await run(options));
  });
}

async function run(options: Options): Promise<ExitCode> {
  if (options.resume && options.output === undefined)
    throw new KhoforgeError('USAGE', '--resume goes on with a run that was kept', { hint: 'add -o DIR' });
  checkLineFlags(options);
  const kernel = kernelOf(options);
  const { corpus } = options;
  const bases = corpus === undefined ? catalogueBases(kernel) : folderBases(corpus, kernel);
  return runAndPrint(bases, kernel, options);
}

function kernelOf({ kernel, tree, sanitize, cc, release, ...flags }: Options): SuiteKernel {
  if ((kernel === undefined) === (tree === undefined))
    throw new KhoforgeError('USAGE', 'fuzz asks a kernel that boots, or the files of a kernel tree', {
      hint: 'give --kernel FILE or --tree DIR',
    });
  const coverage = flags.guided === true || flags.coverage === true;
  if (kernel === undefined)
    return simulatedKernel(tree ?? '', { sanitize: sanitize === true, coverage, cc }, release);
  if (sanitize)
    throw new KhoforgeError('USAGE', '--sanitize compiles the files of a tree', { hint: 'add --tree DIR' });
  return readSuiteKernel(kernel, release);
}

async function runAndPrint({ bases, digest }: Bases, kernel: SuiteKernel, options: Options) {
  const { output, seed, shard, minutes = Number.POSITIVE_INFINITY } = options;
  using temporary = output === undefined ? temporaryFolder('fuzz') : undefined;
  const folder = output ?? temporary?.path ?? '';
  using simulator = options.tree === undefined ? undefined : new SimulatorPool(kernel.bytes);
  const { decides, ...lines } = await openLines(options, kernel);
  const log = openFuzzLog(
    folder,
    kernel,
    { seed, corpus: digest, ...decides },
    shard,
    options.resume === true,
  );
  const progress = new Progress();
  const onRun = (done: number, total: number, causes: number) =>
    progress.update(`${done} of ${total}, ${causes} causes`);
  // Not before its end the folder goes.
  return await interruptible(async (signal) => {
    const asked = { ...options, ...lines, simulator, folder, log, onRun, signal, seconds: minutes * 60 };
    const report = await runFuzz(bases, kernel, asked).finally(() => progress.finish());
    if (formatOf(options) === 'json') printDocument(fuzzJson(report));
    else print(fuzzText(report, output));
    return fuzzPassed(report) ? ExitCode.ok : ExitCode.no;
  });
}

function minutesOption(text: string): number {
  const minutes = Number(text);
  if (Number.isFinite(minutes) && minutes > 0) return minutes;
  throw new InvalidArgumentError('Expected a number of minutes above 0.');
}
