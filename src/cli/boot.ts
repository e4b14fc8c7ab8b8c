import { Command, Option } from 'commander';
import { ExitCode } from '../base/errors.ts';
import {
  type BootOptions,
  type BootResult,
  bootImage,
  checkLog,
  dryRunCommand,
  planBoot,
} from '../boot/boot-image.ts';
import type { Image } from '../model/image.ts';
import { bootJson, bootKtap, bootPassed, bootText, progressText } from '../render/boot.ts';
import { toJson } from '../render/json.ts';
import { addFormatOptions, type FormatOptions, formatOf } from './format-options.ts';
import { secondsOption, sizeOption } from './number-options.ts';
import { printAs, printDocument, say } from './print.ts';
import { Progress } from './progress.ts';
import { openBootable } from './source.ts';
import { type TargetFlags, withTargetOptions } from './target-options.ts';

interface Options extends TargetFlags, FormatOptions {
  kernel: string;
  initrd?: string;
  cmdline?: string;
  accel: 'tcg' | 'kvm' | 'auto';
  memory?: bigint;
  timeout: number;
  log?: string;
  force?: boolean;
  until?: string;
  dryRun?: boolean;
}

const HELP = `
Example:
  khoforge boot out/quickstart --kernel arch/x86/boot/bzImage
  khoforge boot examples/quickstart.yaml --kernel bzImage --format ktap
  khoforge boot examples/quickstart.yaml --target-tree linux --kernel linux/arch/x86/boot/bzImage

The verdict is revived (at least two positive proofs, no warning), rejected (the kernel refused the
handover and said so), ignored (nothing on the console speaks of it) or broken (panic, hang, warning).
`;

export function bootCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('boot')
    .description('boot a real kernel on an image in QEMU and judge what it says')
    .argument('<source>', 'spec, or image directory')
    .requiredOption('--kernel <file>', 'bzImage, or arm64 Image, with KHO and a serial console')
    .option('--initrd <file>', 'initrd; without one the kernel ends for want of an init')
    .option('--cmdline <text>', 'more kernel command line')
    .addOption(
      new Option('--accel <name>', 'QEMU accelerator').choices(['tcg', 'kvm', 'auto']).default('tcg'),
    )
    .option('--memory <size>', 'guest memory; default: what the RAM of the image needs', sizeOption)
    .option('--timeout <seconds>', 'limit for everything', secondsOption, 60)
    .option('--until <text>', 'text of the console that ends the run, e.g. the last line of a test')
    .option('--log <file>', 'where the console goes; default: a temporary file')
    .option('--force', 'replace the file of --log, which is refused where it has something in it')
    .option('--dry-run', 'write boot.elf and print the QEMU line that would run')
    .addHelpText('after', HELP);
  return withTargetOptions(addFormatOptions(command)).action(async (source: string, options: Options) => {
    done(await run(source, options));
  });
}

async function run(source: string, options: Options): Promise<ExitCode> {
  const { kernel, initrd, cmdline, accel, memory, timeout, log, force, until } = options;
  const bootOptions: BootOptions = {
    kernel,
    accel,
    timeout,
    ...(initrd !== undefined && { initrd }),
    ...(cmdline !== undefined && { cmdline }),
    ...(memory !== undefined && { memory }),
    ...(log !== undefined && { logPath: log }),
    ...(force !== undefined && { force }),
    ...(until !== undefined && { stopLines: [until] }),
  };
  const format = formatOf(options);
  if (!options.dryRun) checkLog(bootOptions, [source]);
  using opened = openBootable(source, options);
  const { image } = opened;
  if (options.dryRun) {
    const plan = planBoot(image, bootOptions);
    const command = dryRunCommand(plan);
    printDocument(format === 'json' ? toJson('boot-dry-run', 1, { command }) : command);
    // What the line needs, and somebody has to remove.
    plan.folder?.release();
    if (plan.folder) say(`note: ${plan.folder.path} stays for it`);
    return ExitCode.ok;
  }
  const result = await bootWithProgress(image, bootOptions);
  printAs(format, { text: bootText, json: bootJson, ktap: bootKtap }, result);
  return bootPassed(result) ? ExitCode.ok : ExitCode.no;
}

async function bootWithProgress(image: Image, options: BootOptions): Promise<BootResult> {
  const progress = new Progress();
  try {
    return await bootImage(image, {
      ...options,
      onEvent(event) {
        const text = progressText(event);
        if (text !== undefined) say(text);
        if (event.type === 'line') progress.update(event.text);
      },
    });
  } finally {
    progress.finish();
  }
}
