import { Command, Option } from 'commander';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { CHECKS } from '../emit/checks.ts';
import type { Image } from '../model/image.ts';
import { buildLoaded, loadedPaths, type SpecPaths } from '../produce/build-image.ts';
import { buildJson, buildText, segmentsText } from '../render/build.ts';
import { toJsonParts } from '../render/json.ts';
import { loadSpec } from '../specfile/load.ts';
import { checkFormat, FORMATS, type Format, type FormatFlags, writeFormat } from './build-formats.ts';
import { print, printParts, say } from './print.ts';
import { withProgress } from './progress.ts';
import { isImage, openBootable, specTarget, targetOption } from './source.ts';
import { type TargetFlags, withTargetOptions } from './target-options.ts';

interface Options extends TargetFlags, FormatFlags {
  output?: string;
  format: Format;
  explain?: boolean;
  paths?: boolean;
  json?: boolean;
}

const HELP = `
Example:
  khoforge build examples/quickstart.yaml -o out/quickstart
  khoforge build examples/quickstart.yaml -o out/next --target-tree linux
  khoforge build examples/quickstart.yaml -o boot.elf --format elf --kernel bzImage --force
  khoforge build examples/quickstart.yaml --paths --json

What is at PATH already is replaced in one step, at the end, when its content says that khoforge wrote it; other
files in the directory stay. Else nothing is done: the message says what would be lost, and --force allows it.

Formats (docs/formats.md), each with an example:
  dir    an image directory, for all other commands; with --kernel also boot.elf
           khoforge build SPEC -o out/image --kernel bzImage --initrd initrd.cpio --cmdline 'quiet' --explain
  core   an ELF core, for gdb, drgn and crash; with --kernel also what is loaded for the jump
           khoforge build SPEC -o image.core --format core --vmlinux vmlinux
           khoforge build out/captured -o image.core --format core --vmcoreinfo vmcore
  elf    one ELF that QEMU boots with -kernel (by its PVH note on x86_64): the boot.elf of dir, alone
           khoforge build SPEC -o boot.elf --format elf --kernel bzImage
  raw    a file for each run of pages, and the QEMU arguments that load them; with --kernel they boot it
           khoforge build SPEC -o out/raw --format raw --kernel bzImage
           (cd out/raw && qemu-system-x86_64 $(cat qemu-args))
  kexec  segments for kexec_load(2), and the program that loads them in a Linux without KHO
           khoforge build SPEC -o out/kexec --format kexec --kernel bzImage --initrd initrd.cpio --cc clang
           scp -r out/kexec host: && ssh root@host kexec/kexec-load kexec/kexec.img
           khoforge build SPEC -o out/kexec --format kexec --kernel Image --dtb /sys/firmware/fdt --no-loader

Checks that a spec can allow one by one (allow: [NAME]):
${Object.entries(CHECKS)
  .map(([name, text]) => `  ${name.padEnd(26)}${text}`)
  .join('\n')}
`;

export function buildCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('build')
    .description('make the image that a spec describes: a directory, or a form that other programs read')
    .argument('<source>', 'spec; or an image directory or a dump, to give it another form')
    .option('-o, --output <path>', 'what to write; an older image there is replaced, and nothing else')
    .option('--force', 'also replace files there that are not of an older image')
    .addOption(new Option('--format <name>', 'form of the image').choices(FORMATS).default('dir'))
    .option('--kernel <file>', 'bzImage or arm64 Image to load beside it, where kexec_file_load() would')
    .option('--initrd <file>', 'initrd for --kernel')
    .option('--cmdline <text>', 'more kernel command line for --kernel')
    .option('--explain', 'with --kernel: tell where each segment is, and by which rule')
    .option('--vmcoreinfo <file>', 'core: the note of this name, from its text or from another ELF core')
    .option('--vmlinux <file>', "core: add this kernel's image, which crash asks for, and its VMCOREINFO")
    .option('--dtb <file>', "core, kexec: device tree of an arm64 machine; default: that of QEMU's virt")
    .option('--no-loader', 'kexec: do not build the program that loads it')
    .option('--cc <command>', 'kexec: compiler for that program; default gcc, a cross gcc or clang')
    .option('--paths', 'list the paths that place, override, omit and unpreserve take, and write nothing')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP);
  return withTargetOptions(command).action(async (source: string, options: Options) => {
    done(await run(source, options));
  });
}

async function run(source: string, options: Options): Promise<ExitCode> {
  const { output, format } = options;
  if (options.paths !== true) {
    if (output === undefined) throw usage('no output', 'add -o DIR');
    checkFormat(source, format, output, options);
  }
  if (isImage(source)) {
    if (options.paths) throw usage('--paths is about a spec', 'khoforge build SPEC --paths');
    using opened = openBootable(source, options);
    return await write(opened.image, options);
  }
  const loaded = loadSpec(source);
  const target = targetOption(specTarget(loaded, options));
  if (options.paths) {
    await printPaths(loadedPaths(loaded, target), options.json === true);
    return ExitCode.ok;
  }
  const image = withProgress('reading contents', (onProgress) =>
    buildLoaded(loaded, { ...target, onProgress }),
  );
  const code = await write(image, options);
  for (const check of image.unusedAllows) {
    say(`note: allow: ${check} is not needed: nothing in this image breaks it`);
  }
  return code;
}

async function printPaths({ place, override }: SpecPaths, json: boolean): Promise<void> {
  const lines = [...place.map((path) => `place     ${path}`), ...override.map((path) => `override  ${path}`)];
  if (json) await printParts(toJsonParts('paths', 1, { place, override }));
  else print(lines);
}

async function write(image: Image, options: Options): Promise<ExitCode> {
  const { output = '', format, explain, json } = options;
  if (explain && options.kernel === undefined)
    throw usage('--explain is about what --kernel loads', 'add --kernel FILE');
  const { files, segments } = withProgress('writing', (onProgress) =>
    writeFormat(image, format, output, options, onProgress),
  );
  if (json) {
    await printParts(buildJson(image, { format, output, files, ...(explain && { segments }) }));
  } else {
    print(buildText(image, output));
    if (explain) print(segmentsText(segments));
  }
  return ExitCode.ok;
}

const usage = (message: string, hint: string) => new KhoforgeError('USAGE', message, { hint });
