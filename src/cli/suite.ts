import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { temporaryFolder } from '../base/cleanup.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { toJson } from '../render/json.ts';
import { listJson, listMarkdown, listText } from '../render/suite-list.ts';
import { type Case, FIXTURES_FOLDER, loadCatalogue } from '../suite/catalogue.ts';
import { Journal } from '../suite/journal.ts';
import { keyOf, readSuiteKernel, type SuiteKernel } from '../suite/kernel.ts';
import { record } from '../suite/record.ts';
import { type SuiteReport, suiteExitCode } from '../suite/result.ts';
import { runSuite } from '../suite/run.ts';
import { isIn, type Shard, WHOLE } from '../suite/shard.ts';
import type { Traced } from '../suite/traced.ts';
import { writeImages } from '../suite/write.ts';
import { interruptible } from './interruptible.ts';
import { print, printDocument, say } from './print.ts';
import { printSuite, SUITE_FORMATS, type SuiteFormat } from './print-suite.ts';
import { Progress } from './progress.ts';
import { countOption, shardOption } from './shard-options.ts';
import { type CoverageFlags, openCoverage, writeCoverage } from './suite-coverage.ts';
import { type TargetFlags, targetFrom, withTargetOptions } from './target-options.ts';

type Format = SuiteFormat | 'markdown';

interface Options extends TargetFlags, CoverageFlags {
  kernel?: string;
  fixtures: string;
  filter: string[];
  release?: string;
  name?: string;
  against?: string;
  shard: Shard;
  jobs: number;
  repeat: number;
  timeout: number;
  cc?: string;
  list?: boolean;
  write?: string;
  force?: boolean;
  format: Format;
  json?: boolean;
}

const HELP = `
Example:
  khoforge suite --kernel arch/x86/boot/bzImage
  khoforge suite --kernel bzImage --filter 'luo*' --format ktap
  khoforge suite --kernel bzImage -o out/suite --resume
  khoforge suite --kernel bzImage --shard 3/16 -o out/suite-3
  khoforge suite --list --json
  khoforge suite --list --format markdown > outcomes.md
  khoforge suite --kernel bzImage --write out/images
  khoforge suite --kernel bzImage --name 'acme 7.3' --record --fixtures cases
  khoforge suite --kernel bzImage --name 'acme 7.3' --against 'acme 7.3' --fixtures cases
  khoforge suite --kernel linux/arch/x86/boot/bzImage --coverage --vmlinux linux/vmlinux -o out/suite

Boots the kernel on every handover of the catalogue, right and wrong ones, and says what it made of each, beside what
the release made of it that it is of: same, better (it survives what killed that one, or refuses what that one
misread), worse, different (the same fate, with other words), flaky (chance decides), new (nothing is recorded).
A kernel revives a handover, refuses it or a part of it, ignores it, warns, or dies.
Exit code 0: nothing is worse or different; 1: something is, or a case could not be asked; 2: bad input; 4: no case is
for this kernel. ^C prints what was found; with -o DIR, --resume goes on later. The cases are files: docs/suite.md.
`;

export function suiteCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('suite')
    .description('ask a kernel every handover of the catalogue, against what released kernels made of them')
    .option('--kernel <file>', 'bzImage, or arm64 Image, with KHO and a serial console')
    .option(
      '--filter <name>',
      'cases whose names have this in them, * for anything; may be repeated',
      collect,
      [],
    )
    .option('--list', 'name the cases and what each is about, and boot nothing')
    .option('--release <release>', 'the release whose handovers the kernel takes; default: by its version')
    .option(
      '--name <name>',
      "what a kernel goes by that is no release, e.g. 'acme 7.3', for --record and --against",
    )
    .option('--against <kernel>', "the recorded kernel to compare with, e.g. '7.2'; default: that release")
    .option('--shard <i/n>', 'one of several parts, e.g. 3/16: khoforge merge joins them', shardOption, WHOLE)
    .option('--jobs <n>', 'boots at a time', countOption, availableParallelism())
    .option('--repeat <n>', 'boots of each case: those that differ are flaky', countOption, 1)
    .option('--timeout <seconds>', 'limit for one boot', countOption, 60)
    .option('--cc <command>', 'compiler for the init of the guest; default gcc, a cross gcc or clang')
    .option('-o, --output <dir>', 'keep the results as they come, and the consoles')
    .option('--resume', 'with -o: take what an earlier run there found of the same kernel')
    .option('--record', 'write the outcomes into the cases, as those of this kernel')
    .option(
      '--coverage',
      "say which lines of the kernel's code that receives a handover were run; needs --vmlinux",
    )
    .option(
      '--vmlinux <file>',
      "with --coverage: the kernel with its debug information; may be repeated, with its unpacker's",
      collect,
      [],
    )
    .option('--source <dir>', 'with --coverage: the tree it was built from; default: where the vmlinux is')
    .option('--fixtures <dir>', 'another catalogue', FIXTURES_FOLDER)
    .option('--write <dir>', 'write the image of each case, for other programs, and boot nothing')
    .option('--force', 'with --write: also replace files there that are not of an older image')
    .addOption(
      new Option('--format <name>', 'form of the result')
        .choices([...SUITE_FORMATS, 'markdown'])
        .default('text'),
    )
    .option('--json', 'the same as --format json')
    .addHelpText('after', HELP);
  return withTargetOptions(command).action(async (options: Options) => {
    done(await run(options));
  });
}

async function run(options: Options): Promise<ExitCode> {
  const cases = loadCatalogue(options.fixtures, options.filter);
  const format = options.json ? 'json' : options.format;
  if (options.list) {
    if (format === 'ktap' || format === 'junit')
      throw new KhoforgeError('USAGE', `--list has no form ${format}`, {
        hint: '--format text, json or markdown',
      });
    list(cases, format);
    return ExitCode.ok;
  }
  if (format === 'markdown')
    throw new KhoforgeError('USAGE', '--format markdown is a form of --list', { hint: 'add --list' });
  if (options.kernel === undefined)
    throw new KhoforgeError('USAGE', 'no kernel', { hint: 'add --kernel FILE, or --list' });
  if (options.resume && options.output === undefined)
    throw new KhoforgeError('USAGE', '--resume goes on with a run that was kept', { hint: 'add -o DIR' });
  const kernel = withOwnTarget(readSuiteKernel(options.kernel, options.release, options.name), options);
  if (options.write !== undefined) {
    const names = writeImages(cases, kernel, options.write, options.force === true);
    if (format === 'json') printDocument(toJson('suite-images', 1, { output: options.write, names }));
    else print([`${names.length} images for ${keyOf(kernel)} in ${options.write}`]);
    return ExitCode.ok;
  }
  checkAgainst(cases, options.against);
  const own = cases.filter((_, number) => isIn(options.shard, number));
  const traced = await openCoverage(kernel, options);
  return runAndPrint(own, kernel, format, { ...options, traced });
}

/** A slip of the hand would compare with nothing, and find nothing worse. */
function checkAgainst(cases: readonly Case[], against: string | undefined): void {
  const known = new Set(cases.flatMap(({ text }) => Object.keys(text.outcomes ?? {})));
  if (against === undefined || known.has(against)) return;
  const list = [...known].sort().join(', ');
  throw new KhoforgeError('KERNEL_NOT_RECORDED', `nothing is recorded of a kernel '${against}'`, {
    hint: list === '' ? 'no kernel is recorded: --record does it' : `recorded are ${list}`,
  });
}

/** Of a kernel tree, images are made for what its headers say. */
function withOwnTarget(kernel: SuiteKernel, options: Options): SuiteKernel {
  const { arch, pageSize } = kernel;
  const own = targetFrom(options, { arch, pageSize: BigInt(pageSize) });
  return own ? { ...kernel, target: own.target } : kernel;
}

async function runAndPrint(
  cases: readonly Case[],
  kernel: SuiteKernel,
  format: SuiteFormat,
  options: Options & { readonly traced: Traced | undefined },
): Promise<ExitCode> {
  using folder = options.output === undefined ? temporaryFolder('suite') : undefined;
  const output = options.output ?? folder?.path ?? '';
  const journal = new Journal(output, kernel, options.resume === true, options.shard, options.filter);
  const report = await interruptible(async (signal) => {
    const found = await withProgressOf(cases, (onResult) =>
      runSuite(cases, kernel, { ...options, folder: output, journal, onResult, signal }),
    );
    if (options.record) recordAll(cases, found);
    const { traced } = options;
    if (traced && options.output !== undefined) writeCoverage(traced, options.output);
    printSuite({ ...found, ...(traced && { coverage: traced.files }) }, format);
    return found;
  });
  return suiteExitCode(report);
}

/** How far it is, and how long it will take. */
async function withProgressOf<T>(
  cases: readonly Case[],
  work: (onResult: (result: { readonly name: string }, done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const progress = new Progress();
  const started = performance.now();
  progress.update(`0 of ${cases.length}`);
  try {
    return await work(({ name }, done, total) => {
      const left = Math.round((((performance.now() - started) / done) * (total - done)) / 1000);
      progress.update(`${done} of ${total}, ${left} s left: ${name}`);
    });
  } finally {
    progress.finish();
  }
}

function recordAll(cases: readonly Case[], { results, key }: SuiteReport): void {
  const byName = new Map(cases.map((one) => [one.name, one]));
  const ran = results.flatMap((result) => (result.kind === 'ran' ? [result] : []));
  for (const { name, outcome } of ran) {
    const one = byName.get(name);
    if (one) record(one, key, outcome);
  }
  say(`note: ${ran.length} outcomes are recorded as those of ${key}`);
}

function list(cases: readonly Case[], format: Format): void {
  if (format === 'json') printDocument(listJson(cases));
  else if (format === 'markdown') printDocument(listMarkdown(cases));
  else print(listText(cases));
}

const collect = (name: string, names: string[]): string[] => [...names, name];
