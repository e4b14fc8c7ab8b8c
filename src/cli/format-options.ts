import { type Command, Option } from 'commander';
import { KhoforgeError } from '../base/errors.ts';

export type Format = 'text' | 'json' | 'ktap';

export interface FormatOptions {
  format: Format;
  json?: boolean;
}

export function addFormatOptions(
  command: Command,
  formats: readonly Format[] = ['text', 'json', 'ktap'],
): Command {
  return command
    .addOption(new Option('--format <name>', 'form of the result').choices(formats).default('text'))
    .option('--json', 'the same as --format json')
    .hook('preAction', (own) => void formatOf(own.opts<FormatOptions>()));
}

/** @throws KhoforgeError `USAGE` when two forms are asked for */
export function formatOf({ format, json }: FormatOptions): Format {
  if (json !== true) return format;
  if (format !== 'ktap') return 'json';
  throw new KhoforgeError('USAGE', '--json and --format ktap exclude each other');
}

/** Whether a command line, which may be wrong, asks for JSON. */
export function asksForJson(argv: readonly string[]): boolean {
  return argv.some(
    (argument, i) =>
      argument === '--json' ||
      argument === '--format=json' ||
      (argument === 'json' && argv[i - 1] === '--format'),
  );
}
