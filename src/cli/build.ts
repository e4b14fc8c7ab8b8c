import { Command } from 'commander';
import { commandLine, dumpMachineTree } from '../boot/qemu.ts';
import { ExitCode, KhoforgeError } from '../errors.ts';
import { readInput } from '../files.ts';
import { CHECKS } from '../handover/checks.ts';
import { type ExtraFile, writeImageDirectory } from '../image/directory.ts';
import type { Image } from '../image/image.ts';
import { buildBootElf } from '../kexec/boot-elf.ts';
import { buildText, segmentsText } from '../report/build.ts';
import { toJson } from '../report/json.ts';
import { loadSpec } from '../spec/load.ts';
import { buildLoaded, specTarget } from './source.ts';
import { type TargetFlags, withTargetOptions } from './target-options.ts';

interface Options extends TargetFlags {
  output?: string;
  kernel?: string;
  initrd?: string;
  cmdline?: string;
  explain?: boolean;
  paths?: boolean;
  json?: boolean;
}

const HELP = `
Example:
  khoforge build examples/quickstart.yaml -o out/quickstart
  khoforge build examples/quickstart.yaml -o out/next --target-tree linux

Checks that a spec can allow one by one (allow: [NAME]):
${Object.entries(CHECKS)
  .map(([name, text]) => `  ${name.padEnd(26)}${text}`)
  .join('\n')}
`;

export function buildCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('build')
    .description('make the image that a spec describes: manifest.json, memory.bin, kho.dtb')
    .argument('<spec>', 'YAML file')
    .option('-o, --output <dir>', 'directory to write; an older image there is replaced')
    .option('--kernel <file>', 'also write boot.elf, which boots this bzImage or arm64 Image on the image')
    .option('--initrd <file>', 'initrd for --kernel')
    .option('--cmdline <text>', 'more kernel command line for --kernel')
    .option('--explain', 'with --kernel: tell where each segment is, and by which rule')
    .option('--paths', 'list the paths that place, override, omit and unpreserve take, and write nothing')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP);
  return withTargetOptions(command).action((file: string, options: Options) => {
    done(run(file, options));
  });
}

function run(file: string, options: Options): ExitCode {
  const loaded = loadSpec(file);
  const image = buildLoaded(loaded, specTarget(loaded, options)?.target);
  if (options.paths) {
    const places = image.placements.map(({ path }) => path);
    console.log(
      options.json
        ? toJson('paths', 1, { place: places, override: image.paths })
        : [
            ...places.map((path) => `place     ${path}`),
            ...image.paths.map((path) => `override  ${path}`),
          ].join('\n'),
    );
    return ExitCode.ok;
  }
  if (options.output === undefined) {
    throw new KhoforgeError('USAGE', 'no output directory', { hint: 'add -o DIR' });
  }
  if (options.explain && options.kernel === undefined) {
    throw new KhoforgeError('USAGE', '--explain is about what --kernel loads', { hint: 'add --kernel FILE' });
  }
  const boot = options.kernel === undefined ? undefined : bootElf(image, options.kernel, options);
  const extra = boot === undefined ? [] : [boot.file];
  writeImageDirectory(image, options.output, { extra });
  for (const check of image.unusedAllows) {
    console.error(`note: allow: ${check} is not needed: nothing in this image breaks it`);
  }
  const files = ['manifest.json', 'memory.bin', 'kho.dtb', ...extra.map(({ name }) => name)];
  console.log(
    options.json
      ? toJson('build', 1, {
          directory: options.output,
          files,
          placements: image.placements,
          ...(options.explain && { segments: boot?.segments ?? [] }),
        })
      : buildText(image, options.output),
  );
  if (options.explain && boot && !options.json) console.log(segmentsText(boot.segments));
  return ExitCode.ok;
}

function bootElf(image: Image, kernel: string, { cmdline, initrd }: Options) {
  const { elf, segments } = buildBootElf(image, {
    kernel: readInput(kernel),
    kernelFile: kernel,
    cmdline: commandLine(cmdline, image.target.arch),
    machineTree: dumpMachineTree,
    ...(initrd !== undefined && { initrd: readInput(initrd) }),
  });
  const file: ExtraFile = { name: 'boot.elf', bytes: elf };
  return { file, segments };
}
