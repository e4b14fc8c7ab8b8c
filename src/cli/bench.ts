import { Command, InvalidArgumentError, Option } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { parseSize } from '../base/numbers.ts';
import { casesOf, OPERATIONS, type Operation, SIZES, WORKLOADS, type Workload } from '../bench/cases.ts';
import { CONTENDER_NAMES, type ContenderName } from '../bench/contenders/index.ts';
import { benchMachine } from '../bench/machine.ts';
import { runBench } from '../bench/run.ts';
import { benchJson, benchText, caseText } from '../render/bench.ts';
import { print, printDocument } from './print.ts';
import { Progress } from './progress.ts';

interface Options {
  size?: number[];
  workload?: Workload[];
  operation?: Operation[];
  contender?: ContenderName[];
  quick?: boolean;
  json?: boolean;
}

const HELP = `
Example:
  khoforge bench --quick
  khoforge bench --size 1TiB --workload dense,half --json

All of it takes some 20 minutes and 10 GiB of memory. Lists are separated by commas.
Exits with 1 when contenders disagree about a result.
`;

/** Seconds for the timed runs of a case. */
const BUDGET = 10;
const QUICK_BUDGET = 1;

export function benchCommand(done: (code: ExitCode) => void): Command {
  return new Command('bench')
    .description('measure the engine against its peers on this machine, in one run')
    .addOption(new Option('--size <list>', 'memory to describe; default: 64GiB,1TiB,16TiB').argParser(sizes))
    .addOption(listOption('workload', WORKLOADS))
    .addOption(listOption('operation', OPERATIONS))
    .addOption(listOption('contender', CONTENDER_NAMES))
    .option('--quick', '64 GiB only, with fewer runs')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action(async (options: Options) => done(await run(options)));
}

async function run(options: Options): Promise<ExitCode> {
  const { quick, size = quick ? [SIZES[0]] : SIZES, workload = WORKLOADS, operation = OPERATIONS } = options;
  const progress = new Progress();
  const report = await runBench(casesOf(size, workload, operation), {
    budget: quick ? QUICK_BUDGET : BUDGET,
    ...(options.contender && { contenders: options.contender }),
    onCase: (bench, number, of) => progress.update(`${number} of ${of}: ${caseText(bench)}`),
  }).finally(() => progress.finish());
  const machine = benchMachine();
  if (options.json) printDocument(benchJson(report, machine));
  else print(benchText(report, machine));
  if (report.disagreements.length > 0) return ExitCode.no;
  return report.results.length > 0 ? ExitCode.ok : ExitCode.couldNotRun;
}

function listOption<T extends string>(name: string, known: readonly T[]): Option {
  return new Option(`--${name} <list>`, `of ${known.join(', ')}; default: all`).argParser(
    (text: string): T[] =>
      text.split(',').map((part) => {
        const found = known.find((one) => one === part);
        if (found === undefined) throw new InvalidArgumentError(`expected ${known.join(', ')}`);
        return found;
      }),
  );
}

const LEAST = 2 ** 30;

/** Whole GiB: the unit in which the workloads are made. */
function sizes(text: string): number[] {
  return text.split(',').map((part) => {
    const size = Number(parseSize(part) ?? 0n);
    if (size >= LEAST && size % LEAST === 0 && size <= SIZES[2]) return size;
    throw new InvalidArgumentError('expected whole GiB, up to 16TiB');
  });
}
