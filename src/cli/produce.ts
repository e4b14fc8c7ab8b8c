import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import type { Arch } from '../abi/arch.ts';
import { readKernelFile } from '../arch/kernel-file.ts';
import { temporaryFolder } from '../base/cleanup.ts';
import { ExitCode } from '../base/errors.ts';
import { readInput } from '../base/files.ts';
import { captureNotes } from '../capture/extract.ts';
import { type Produced, type ProduceOptions, produceHandover } from '../first-kernel/produce.ts';
import { writeImageDirectory } from '../formats/directory.ts';
import { checkOutput } from '../output/check.ts';
import { inspect } from '../receive/decode.ts';
import { progressText } from '../render/boot.ts';
import { type ProducedPlaces, producedJson, producedKtap, producedText } from '../render/produce.ts';
import { failedStep } from '../render/steps.ts';
import { addFormatOptions, type FormatOptions, formatOf } from './format-options.ts';
import { secondsOption, sizeOption, sizesOption } from './number-options.ts';
import { printAs, say } from './print.ts';
import { Progress } from './progress.ts';
import { ownOf } from './source.ts';
import { type TargetFlags, targetFrom, withTargetOptions } from './target-options.ts';

interface Options extends TargetFlags, FormatOptions {
  kernel: string;
  output: string;
  force?: boolean;
  initrd?: string;
  cmdline?: string;
  memory?: bigint;
  nodes?: bigint[];
  timeout: number;
  cc?: string;
}

/** Beside an image: what the first kernel said that it made, and all that it printed. */
const RECORD = 'produced.json';
const CONSOLE = 'console.log';

const HELP = `
Example:
  khoforge produce --kernel arch/x86/boot/bzImage -o out/produced
  khoforge produce --kernel arch/arm64/boot/Image -o out/produced --memory 1GiB --nodes 512MiB,512MiB
  khoforge produce --kernel bzImage --initrd mine.cpio.gz --cmdline liveupdate=on -o out/produced
  khoforge boot out/produced --kernel next/arch/x86/boot/bzImage

Boots the kernel in QEMU as the first one. Without --initrd it makes sessions with memfds and a memory reservation, loads a
next kernel with kexec_file_load() and jumps. That next kernel only says that it was entered, and halts: in this instant the
handover is taken, as with 'capture'. An initrd of your own does all of this itself; it finds the kernel to load in
/khoforge/next. Beside the image are ${RECORD}, what --json prints, and ${CONSOLE}.

Exit codes: 0 there is a handover, 1 the kernel gives none: the step that failed is told, and the line to add.
`;

export function produceCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('produce')
    .description('boot a real first kernel up to the jump, and take what it hands over')
    .requiredOption('--kernel <file>', 'bzImage, or arm64 Image, with KHO, kexec and a serial console')
    .requiredOption('-o, --output <dir>', 'directory to write; an older image there is replaced')
    .option('--force', 'also replace files there that are not of an older image')
    .option('--initrd <file>', "instead of khoforge's own: prepares, loads /khoforge/next and jumps")
    .option('--cmdline <text>', 'more kernel command line')
    .option('--memory <size>', 'guest memory; default 512MiB, or what the nodes have', sizeOption)
    .option('--nodes <sizes>', 'memory of each NUMA node, with commas between them', sizesOption)
    .option('--cc <command>', 'compiler for the init of the guest; default gcc, a cross gcc or clang')
    .option('--timeout <seconds>', 'limit for everything', secondsOption, 120)
    .addHelpText('after', HELP);
  return withTargetOptions(addFormatOptions(command)).action(async (options: Options) => {
    done(await run(options));
  });
}

async function run(options: Options): Promise<ExitCode> {
  const { kernel, output, force, initrd } = options;
  const format = formatOf(options);
  checkOutput(output, 'dir', {
    force: force === true,
    sources: [kernel, initrd],
    extra: [RECORD, CONSOLE],
  });
  return produceWithProgress(produceOptions(options), (produced) => {
    const inspection = produced.image && inspect(produced.image);
    const directory = produced.image && output;
    const console = directory === undefined ? keepConsole(produced) : join(output, CONSOLE);
    const places: ProducedPlaces = { kernel, directory, console, inspection };
    if (produced.image) write(produced, places, output, force === true);
    printAs(format, { text: producedText, json: producedJson, ktap: producedKtap }, produced, places);
    return failedStep(produced) ? ExitCode.no : ExitCode.ok;
  });
}

function produceOptions(options: Options): ProduceOptions {
  const { kernel, output, initrd, cmdline, memory, nodes, timeout, cc } = options;
  return {
    kernel,
    timeout,
    // Beside the output, where there is room.
    room: dirname(resolve(output)),
    ...(initrd !== undefined && { initrd }),
    ...(cmdline !== undefined && { cmdline }),
    ...(memory !== undefined && { memory }),
    ...(nodes !== undefined && { nodes }),
    ...(cc !== undefined && { cc }),
    ...ownOf(targetFrom(options, askedTarget(kernel))),
  };
}

/** A kernel's headers say things by architecture and page size. */
function askedTarget(kernel: string): { arch: Arch; pageSize: bigint } {
  const { arch, pageSize } = readKernelFile(readInput(kernel), kernel);
  return { arch, pageSize: BigInt(pageSize) };
}

async function produceWithProgress<T>(options: ProduceOptions, use: (produced: Produced) => T): Promise<T> {
  const progress = new Progress();
  const onEvent: ProduceOptions['onEvent'] = (event) => {
    const text = progressText(event);
    if (text !== undefined) say(text);
    if (event.type === 'line') progress.update(event.text);
  };
  try {
    return await produceHandover({ ...options, onEvent }, (produced) => {
      progress.finish();
      return use(produced);
    });
  } finally {
    progress.finish();
  }
}

function write(produced: Produced, places: ProducedPlaces, output: string, force: boolean): void {
  const { image, console } = produced;
  if (!image) return;
  const record = Buffer.from(`${producedJson(produced, places)}\n`);
  writeImageDirectory(image, output, {
    force,
    extra: [
      { name: RECORD, bytes: record },
      { name: CONSOLE, bytes: console },
    ],
  });
  for (const text of captureNotes(image)) say(`note: ${text}`);
}

/** Of a kernel that hands nothing over the console is all there is. */
function keepConsole({ console }: Produced): string {
  const folder = temporaryFolder('produce');
  const path = join(folder.path, CONSOLE);
  writeFileSync(path, console);
  folder.release();
  return path;
}
