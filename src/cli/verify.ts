import { Command } from 'commander';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { readInput } from '../base/files.ts';
import { receiverFor } from '../kernel/receivers.ts';
import { severityOverrides } from '../receive/severity.ts';
import { verifyImage } from '../receive/verify.ts';
import { verifyJson, verifyKtap, verifyPassed, verifyText } from '../render/verify.ts';
import { addFormatOptions, type FormatOptions, formatOf } from './format-options.ts';
import { print, printParts } from './print.ts';
import { openImage } from './source.ts';
import { type SourceFlags, withSourceOptions } from './source-options.ts';
import { type TargetFlags, withTargetOptions } from './target-options.ts';

interface Options extends SourceFlags, TargetFlags, FormatOptions {
  receiver?: string;
  cmdline?: string;
  config?: string;
  error: string[];
  warning: string[];
  note: string[];
}

const HELP = `
Example:
  khoforge verify out/quickstart
  khoforge verify out/quickstart --receiver 7.1 -W stale-bytes --json | jq .verdict
  khoforge verify out/quickstart --target-tree linux
  khoforge verify out/quickstart --cmdline 'kho=off' --config linux/.config

The verdict is revived, rejected (the kernel refuses the handover and says so), ignored (it boots as if there
were none) or broken (a kernel warning, a restore that fails, a panic, or an outcome that is not defined).
Exit code 0: revived, and no finding is an error; 1: otherwise; 2: bad input.
`;

export function verifyCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('verify')
    .description('say what a receiving kernel makes of an image, and what is wrong with it')
    .argument('<source>', 'spec, image directory, ELF core, raw dump or root FDT')
    .option('--receiver <release>', 'kernel release, e.g. 7.3; default: the newest that takes such images')
    .option(
      '--cmdline <text>',
      "more of the receiver's command line than kho=on, e.g. 'reserve_mem=1M:4096:trace'",
    )
    .option('--config <file>', "the receiver's .config; default: it has all that has to do with handovers")
    .option('-E, --error <check>', 'count a check as error; may be repeated', collect, [])
    .option('-W, --warning <check>', 'count a check as warning', collect, [])
    .option('-N, --note <check>', 'count a check as note', collect, [])
    .addHelpText('after', HELP);
  return withSourceOptions(withTargetOptions(addFormatOptions(command))).action(
    async (source: string, options: Options) => {
      done(await run(source, options));
    },
  );
}

async function run(source: string, options: Options): Promise<ExitCode> {
  const { error, warning, note } = options;
  const severity = severityOverrides({ error, warning, note });
  using opened = openImage(source, options);
  const { image, own } = opened;
  if (own && options.receiver !== undefined) {
    throw new KhoforgeError('USAGE', '--receiver is a release: it excludes --target and --target-tree');
  }
  const receiver = own ? receiverFor(own.target, own.base) : options.receiver;
  const { cmdline, config } = options;
  const result = verifyImage(image, {
    severity,
    ...(receiver !== undefined && { receiver }),
    ...(cmdline !== undefined && { cmdline }),
    ...(config !== undefined && { config: Buffer.from(readInput(config)).toString('latin1') }),
  });
  const format = formatOf(options);
  if (format === 'json') await printParts(verifyJson(result, source));
  else print(format === 'ktap' ? verifyKtap(result) : verifyText(result, source));
  return verifyPassed(result) ? ExitCode.ok : ExitCode.no;
}

function collect(name: string, names: string[]): string[] {
  return [...names, name];
}
