import { Command, InvalidArgumentError } from 'commander';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { type Digest, digestImage, partAt } from '../receive/digest.ts';
import { digestJson, digestText } from '../render/digest.ts';
import { print, printDocument, say } from './print.ts';
import { openImage } from './source.ts';
import { SOURCE_HELP, type SourceFlags, withSourceOptions } from './source-options.ts';
import { type TargetFlags, withTargetOptions } from './target-options.ts';

interface Options extends SourceFlags, TargetFlags {
  part?: string;
  is?: string;
  json?: boolean;
}

const HELP = `
Example:
  khoforge digest out/captured
  khoforge digest out/captured --part 'LUO/session vm0'
  khoforge digest guest.elf --is 7ac2...

Hashes what a handover says and not where it stands, so that the same state has the same digest on both sides of a jump:
whole, of each subtree, and of each part of one. docs/digest.md says of which bytes.

Exit codes: 0 it has all contents, and is what --is says; 1 it is not, or something of it is missing or wrong.
${SOURCE_HELP}`;

export function digestCommand(done: (code: ExitCode) => void): Command {
  const command = new Command('digest')
    .description('a canonical hash of a handover, whole and by its parts, wherever it stands')
    .argument('<source>', 'image directory, dump, spec, or live')
    .option('--part <path>', "of a part alone, by the names that lead to it, e.g. 'LUO/session vm0'")
    .option('--is <digest>', 'say whether it is this one', digestOption)
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP);
  return withSourceOptions(withTargetOptions(command)).action((source: string, options: Options) => {
    done(run(source, options));
  });
}

function run(source: string, options: Options): ExitCode {
  using opened = openImage(source, options);
  const report = digestImage(opened.image);
  const part = options.part === undefined ? report.whole : named(report.whole, options.part);
  if (options.json) printDocument(digestJson(report, part));
  else print(digestText(report, part));
  const isOther = options.is !== undefined && options.is !== part.sha256;
  if (isOther) say(`note: it is ${part.sha256}, and not ${options.is}`);
  return isOther || report.problems.length > 0 ? ExitCode.no : ExitCode.ok;
}

function named(whole: Digest, path: string): Digest {
  const part = partAt(whole, path);
  if (part) return part;
  const { hint } = didYouMean(path, pathsOf(whole));
  throw new KhoforgeError('PART_UNKNOWN', `the handover has no part '${path}'`, {
    hint: hint ?? 'without --part all of them are shown',
  });
}

function pathsOf({ parts }: Digest): string[] {
  return parts.flatMap((part) => [part.name, ...pathsOf(part).map((inner) => `${part.name}/${inner}`)]);
}

function digestOption(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError('Expected a SHA-256 of 64 hexadecimal digits.');
}
