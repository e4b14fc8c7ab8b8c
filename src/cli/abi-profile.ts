import { join } from 'node:path';
import { Command } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { writeAll } from '../base/files.ts';
import { checkOutput } from '../output/check.ts';
import { writeFileWhole } from '../output/write.ts';
import { profileText } from '../profile/file.ts';
import { type Combination, profilesOf } from '../profile/source.ts';
import {
  addSourceOptions,
  addTargetOptions,
  combinationsFrom,
  type SourceOptions,
  sourceFrom,
  type TargetOptions,
  usage,
} from './abi-options.ts';
import { printDocument, say } from './print.ts';

interface Options extends SourceOptions, TargetOptions {
  output?: string;
  force?: boolean;
}

const HELP = `
Example:
  khoforge abi profile --tree ~/src/linux -o mine.json
  khoforge abi profile --release 7.3 --from source --arch all --page-size all -o abi/profiles

With several combinations the output is a folder: RELEASE/ARCH-PAGE.json.
`;

export function abiProfileCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('profile').description("write down what a kernel's headers say");
  return addTargetOptions(addSourceOptions(command))
    .option('-o, --output <path>', 'file, or folder for several; default: to standard output')
    .option('--force', 'also replace a file that is no ABI profile')
    .addHelpText('after', HELP)
    .action((options: Options) => {
      done(run(options));
    });
}

function run(options: Options): ExitCode {
  const { output, force = false } = options;
  const source = sourceFrom(options);
  if (source === undefined) throw usage('no source: give --release, --tree or --profile');
  const combinations = combinationsFrom(options);
  if (output !== undefined && combinations.length === 1) checkOutput(output, 'profile', { force });
  const profiles = profilesOf(source, combinations, options.cc === undefined ? {} : { cc: options.cc });
  for (const profile of profiles) {
    const text = profileText(profile);
    if (output === undefined) printDocument(text.trimEnd());
    else write(outputPath(output, profile.release, profile, profiles.length > 1), text, force);
    for (const { name, header, reason } of profile.problems) say(`not read: ${name} (${header}): ${reason}`);
  }
  return profiles.some(({ problems }) => problems.length > 0) ? ExitCode.couldNotRun : ExitCode.ok;
}

function outputPath(output: string, release: string, { arch, pageSize }: Combination, many: boolean): string {
  return many ? join(output, release, `${arch}-${pageSize / 1024}k.json`) : output;
}

function write(path: string, text: string, force: boolean): void {
  writeFileWhole(path, { form: 'profile', mode: undefined, force }, (descriptor) =>
    writeAll(descriptor, Buffer.from(text)),
  );
  say(`wrote ${path}`);
}
