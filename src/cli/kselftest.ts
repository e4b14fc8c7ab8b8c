import { basename } from 'node:path';
import { Command, Option } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { type KselftestResult, runKselftest } from '../kselftest/run.ts';
import { kselftestJson, kselftestKtap, kselftestText } from '../render/kselftest.ts';
import { openBootable } from './source.ts';
import { type TargetFlags, withTargetOptions } from './target-options.ts';

interface Options extends TargetFlags {
  kernel: string;
  test: string;
  args: string;
  cmdline?: string;
  cc?: string;
  timeout: string;
  format: 'text' | 'json' | 'ktap';
  json?: boolean;
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
    .addOption(
      new Option('--format <name>', 'form of the result').choices(['text', 'json', 'ktap']).default('text'),
    )
    .option('--json', 'the same as --format json')
    .addHelpText('after', HELP);
  return withTargetOptions(command).action(async (source: string, options: Options) => {
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
  const format = options.json ? 'json' : options.format;
  const print = { text: kselftestText, json: kselftestJson, ktap: kselftestKtap }[format];
  console.log(print(result, basename(test)).trimEnd());
  return exitCode(result);
}

function exitCode({ boot, outcome }: KselftestResult): ExitCode {
  if (boot.verdict !== 'revived' || outcome === 'fail') return ExitCode.no;
  return outcome === 'skip' ? ExitCode.skipped : ExitCode.ok;
}
