import { basename } from 'node:path';
import { Command } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { type KselftestResult, runKselftest } from '../kselftest/run.ts';
import { kselftestJson, kselftestKtap, kselftestText } from '../render/kselftest.ts';
import { addFormatOptions, type FormatOptions, formatOf } from './format-options.ts';
import { printAs } from './print.ts';
import { openBootable } from './source.ts';
import { type TargetFlags, withTargetOptions } from './target-options.ts';

interface Options extends TargetFlags, FormatOptions {
  kernel: string;
  test: string;
  args: string;
  cmdline?: string;
  cc?: string;
  timeout: string;
}

const HELP = `
Example:
  khoforge kselftest examples/kselftest-luo.yaml --kernel arch/x86/boot/bzImage \\
    --test tools/testing/selftests/liveupdate/luo_kexec_simple --format ktap

Runs a selftest in the stage after the reboot, on what the stage before would have left: no first kernel, no kexec.
The program has to be static; its exit status is the result (4 is a skip), and what it prints is shown.
`;

export function kselftestCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('kselftest')
    .description('run a selftest of the kernel on an image, in the stage after the reboot')
    .argument('<source>', 'spec, or image directory')
    .requiredOption('--kernel <file>', 'bzImage, or arm64 Image, with KHO and a serial console')
    .requiredOption('--test <file>', 'the static test program')
    .option('--args <text>', 'its arguments, separated by spaces', '-s 2')
    .option('--cmdline <text>', 'more kernel command line')
    .option('--cc <command>', 'compiler for the init of the guest; default gcc, a cross gcc or clang')
    .option('--timeout <seconds>', 'limit for everything', '120')
    .addHelpText('after', HELP);
  return withTargetOptions(addFormatOptions(command)).action(async (source: string, options: Options) => {
    done(await run(source, options));
  });
}

async function run(source: string, options: Options): Promise<ExitCode> {
  const { kernel, test, args, cmdline, cc, timeout } = options;
  using opened = openBootable(source, options);
  const result = await runKselftest(opened.image, {
    kernel,
    test,
    args: args.split(/\s+/).filter((arg) => arg !== ''),
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
