import { realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { claimPath, unguessable } from '../base/cleanup.ts';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { jsonValue } from '../base/json.ts';
import { humanSize } from '../base/numbers.ts';
import { captureNotes, extractHandover } from '../capture/extract.ts';
import { writeImageDirectory } from '../formats/directory.ts';
import { refuseUnread } from '../memory/unread.ts';
import type { Image } from '../model/image.ts';
import { checkOutput } from '../output/check.ts';
import { inspect } from '../receive/decode.ts';
import { captureJson, captureText } from '../render/capture.ts';
import { dumpGuest } from '../source/guest.ts';
import { openWithProgress } from './open-source.ts';
import { print, printParts, say } from './print.ts';
import { Progress, withProgress } from './progress.ts';
import { ownOf } from './source.ts';
import { openOptions, SOURCE_HELP, type SourceFlags, withSourceOptions } from './source-options.ts';
import { type TargetFlags, targetFrom, withTargetOptions } from './target-options.ts';

interface Options extends SourceFlags, TargetFlags {
  output: string;
  qmp?: string;
  withContents?: boolean;
  force?: boolean;
  json?: boolean;
}

const HELP = `
Example:
  khoforge capture guest.elf -o out/captured
  khoforge capture --qmp /run/guest.qmp -o out/captured
  khoforge capture guest.elf -o out/results --force
  khoforge boot out/captured --kernel next/arch/x86/boot/bzImage

Preserved folios are captured by their addresses alone: what they hold stays where it is, unless
--with-contents is given. With --qmp the guest stands still while QEMU dumps it, and goes on afterwards, at
once when the capture is interrupted or fails; the dump, a hidden file beside DIR that only you can read, goes
with the command. A capture of a file that was interrupted leaves a hidden folder beside DIR, and the same
command goes on with it. What it writes has the permissions of the file that it was read from.
${SOURCE_HELP}`;

export function captureCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('capture')
    .description('take just the handover out of a dump or a running QEMU guest, as an image directory')
    .argument('[source]', 'ELF core, raw dump or image directory')
    .requiredOption(
      '-o, --output <dir>',
      'directory to write; an older image there is replaced, and nothing else',
    )
    .option('--force', 'also replace files there that are not of an older image')
    .option('--qmp <socket>', "a running guest instead: the unix socket of QEMU's machine protocol")
    .option('--with-contents', 'also what the preserved folios hold')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP);
  return withSourceOptions(withTargetOptions(command)).action(
    async (source: string | undefined, options: Options) => {
      done(await run(source, options));
    },
  );
}

async function run(source: string | undefined, options: Options): Promise<ExitCode> {
  if ((source === undefined) === (options.qmp === undefined)) {
    throw new KhoforgeError('USAGE', 'give either a source or --qmp', {
      hint: 'khoforge capture guest.elf -o DIR',
    });
  }
  checkOutput(options.output, 'dir', { force: options.force === true, sources: [source, options.qmp] });
  if (source !== undefined) return capture(source, options);
  // Beside the output, where there is room.
  const output = resolve(options.output);
  const dump = unguessable(join(dirname(output), `.${basename(output)}.dump.`));
  using _claim = claimPath(dump);
  await dumpWithProgress(options.qmp ?? '', dump);
  try {
    return await capture(dump, options, false);
  } finally {
    rmSync(dump, { force: true });
  }
}

async function dumpWithProgress(socket: string, dump: string): Promise<void> {
  const progress = new Progress();
  try {
    await dumpGuest(socket, dump, {
      onProgress: (bytes) => progress.updateBytes('dumping the guest', bytes),
      onGuest(text) {
        progress.finish();
        say(`note: ${text}`);
      },
    });
  } finally {
    progress.finish();
  }
}

function writeWithProgress(image: Image, output: string, resume: string | undefined, force: boolean): void {
  const kept = withProgress('writing', (onProgress) =>
    writeImageDirectory(image, output, {
      ...(resume !== undefined && { resume }),
      force,
      // Of a dump that is cut short while it is read, nothing is taken.
      onWritten: () => refuseUnread(),
      onProgress,
    }),
  );
  if (kept > 0n) say(`note: ${humanSize(kept)} of it were written by a run that was interrupted`);
}

/** The same file read in the same way; what lives changes while it is read. */
function resumeKey(source: string, flags: object): string | undefined {
  const stat = statSync(source, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) return undefined;
  const options = JSON.stringify(flags, jsonValue);
  return `${realpathSync(source)} ${stat.size} ${stat.mtimeMs} ${options}`;
}

/** @param isKept whether the source is there for another run to go on with */
async function capture(
  source: string,
  { output, withContents, force, json, ...flags }: Options,
  isKept = true,
): Promise<ExitCode> {
  // Of the file as it is before it is read: cut short meanwhile, it is another.
  const resume = isKept ? resumeKey(source, { withContents, ...flags }) : undefined;
  using opened = openWithProgress(source, { ...openOptions(flags), ...ownOf(targetFrom(flags, flags)) });
  const image = extractHandover(opened.image, { withContents: withContents === true });
  const inspection = inspect(image);
  writeWithProgress(image, output, resume, force === true);
  for (const { code, text } of opened.notes) say(`note: ${code}: ${text}`);
  for (const text of captureNotes(image)) say(`note: ${text}`);
  if (json) await printParts(captureJson(image, inspection, output));
  else print(captureText(image, inspection, output));
  return inspection.fdt ? ExitCode.ok : ExitCode.no;
}
