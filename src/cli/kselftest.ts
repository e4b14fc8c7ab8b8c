import { basename } from 'node:path';
import { Command } from 'commander';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { type KselftestResult, runKselftest } from '../kselftest/run.ts';
import { runTwoStages } from '../kselftest/two-stages.ts';
import {
  kselftestJson,
  kselftestKtap,
  kselftestText,
  twoStagesJson,
  twoStagesKtap,
  twoStagesText,
} from '../render/kselftest.ts';
import { addFormatOptions, type FormatOptions, formatOf } from './format-options.ts';
import { printAs } from './print.ts';
import { openBootable } from './source.ts';
import { type TargetFlags, withTargetOptions } from './target-options.ts';

interface Options extends TargetFlags, FormatOptions {
  kernel?: string;
  stage1?: string;
  stage2?: string;
  test: string;
  test1?: string;
  args: string;
  args1: string;
  cmdline?: string;
  cc?: string;
  timeout: string;
}

const HELP = `
Example:
  khoforge kselftest examples/kselftest-luo.yaml --kernel arch/x86/boot/bzImage \\
    --test tools/testing/selftests/liveupdate/luo_kexec_simple --format ktap
  khoforge kselftest --stage1 old/bzImage --stage2 new/bzImage \\
    --test tools/testing/selftests/liveupdate/luo_kexec_simple

Runs a selftest in the stage after the reboot, on what the stage before would have left: no first kernel, no kexec.
With --stage1 the stage before runs as well, on a kernel of its own that jumps; --stage2 is what it jumps into.
The program has to be static; its exit status is the result (4 is a skip), and what it prints is shown.
`;

export function kselftestCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('kselftest')
    .description('run a selftest of the kernel on an image, in the stage after the reboot')
    .argument('[source]', 'spec, or image directory; none with --stage1')
    .option('--kernel <file>', 'bzImage, or arm64 Image, with KHO and a serial console')
    .option('--stage1 <file>', 'instead of a source: the kernel on which the stage before runs')
    .option('--stage2 <file>', 'with --stage1: the kernel on which the stage after runs')
    .requiredOption('--test <file>', 'the static test program')
    .option('--test1 <file>', 'with --stage1: another program for that stage')
    .option('--args <text>', 'its arguments, separated by spaces', '-s 2')
    .option('--args1 <text>', 'with --stage1: its arguments in that stage', '-s 1')
    .option('--cmdline <text>', 'more kernel command line')
    .option('--cc <command>', 'compiler for the init of the guest; default gcc, a cross gcc or clang')
    .option('--timeout <seconds>', 'limit for everything', '120')
    .addHelpText('after', HELP);
  return withTargetOptions(addFormatOptions(command)).action(
    async (source: string | undefined, options: Options) => {
      const { stage1, stage2, kernel } = options;
      if (source === undefined && kernel === undefined && stage1 !== undefined && stage2 !== undefined) {
        done(await runBoth(stage1, stage2, options));
      } else if (source !== undefined && kernel !== undefined && (stage1 ?? stage2) === undefined) {
        done(await run(source, kernel, options));
      } else {
        throw new KhoforgeError('USAGE', 'give either a source and --kernel, or --stage1 and --stage2', {
          hint: 'khoforge kselftest --stage1 old/bzImage --stage2 new/bzImage --test FILE',
        });
      }
    },
  );
}

const words = (text: string): string[] => text.split(/\s+/).filter((arg) => arg !== '');

async function runBoth(stage1: string, stage2: string, options: Options): Promise<ExitCode> {
  const { test, test1, args, args1, cmdline, cc, timeout } = options;
  const result = await runTwoStages({
    stage1,
    stage2,
    test,
    args: words(args),
    args1: words(args1),
    timeout: Number(timeout),
    ...(test1 !== undefined && { test1 }),
    ...(cmdline !== undefined && { cmdline }),
    ...(cc !== undefined && { cc }),
  });
  const renderers = { text: twoStagesText, json: twoStagesJson, ktap: twoStagesKtap };
  printAs(formatOf(options), renderers, result, basename(test));
  return result.second ? exitCode(result.second) : ExitCode.no;
}

async function run(source: string, kernel: string, options: Options): Promise<ExitCode> {
  const { test, args, cmdline, cc, timeout } = options;
  using opened = openBootable(source, options);
  const result = await runKselftest(opened.image, {
    kernel,
    test,
    args: words(args),
    timeout: Number(timeout),
    ...(cmdline !== undefined && { cmdline }),
    ...(cc !== undefined && { cc }),
  });
  const format = formatOf(options);
  printAs(format, { text: kselftestText, json: kselftestJson, ktap: kselftestKtap }, result, basename(test));
  return exitCode(result);
}

function exitCode({ boot, outcome }: KselftestResult): ExitCode {
  if (boot.verdict !== 'revived' || outcome === 'fail') return ExitCode.no;
  return outcome === 'skip' ? ExitCode.skipped : ExitCode.ok;
}
