import { Command, CommanderError } from 'commander';
import { asKhoforgeError, ExitCode } from '../base/errors.ts';
import { version } from '../base/version.ts';
import { refuseUnread } from '../formats/unread.ts';
import { COMMANDS } from './commands.ts';
import { errorDocument, printError } from './print.ts';

/**
 * Runs the command line.
 * @param argv as in process.argv
 * @returns the process's exit code
 */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = ExitCode.ok;
  const program = new Command('khoforge')
    .description('Makes and reads Linux Kexec HandOver (KHO) memory images without the first kernel.')
    .version(version())
    .showHelpAfterError('(khoforge COMMAND --help shows an example)')
    .addHelpText('after', EXIT_CODES);
  const asked = argv.slice(2).find((argument) => !argument.startsWith('-') && argument !== 'help');
  const done = (result: ExitCode) => {
    code = result;
  };
  try {
    for (const entry of COMMANDS) {
      const command =
        entry.name === asked
          ? (await entry.load())(done).addHelpText('after', EXIT_CODES)
          : new Command(entry.name).description(entry.description).arguments(entry.arguments);
      program.addCommand(command);
    }
    for (const command of [program, ...program.commands]) command.exitOverride();
    await program.parseAsync([...argv]);
    refuseUnread();
    return code;
  } catch (error) {
    return failure(error, argv.includes('--json'));
  }
}

const EXIT_CODES = `
Exit codes: 0 all holds; 1 it ran, and the answer is no; 2 bad usage or bad input;
            3 could not run (something is not installed); 4 everything was skipped.`;

function failure(error: unknown, json: boolean): ExitCode {
  // Commander has printed its own message; help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.badInput;
  const known = asKhoforgeError(error);
  if (json) console.log(errorDocument(known));
  printError(known);
  if (process.env.KHOFORGE_DEBUG) console.error(error);
  return known.exitCode;
}
