import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { asKhoforgeError, ExitCode, KhoforgeError } from '../base/errors.ts';
import { version } from '../base/version.ts';
import { refuseUnread } from '../memory/unread.ts';
import { COMMANDS, type CommandEntry } from './commands.ts';
import { asksForJson } from './format-options.ts';
import { errorDocument, printDocument, printError, say } from './print.ts';

/**
 * Runs the command line.
 * @param words as in process.argv
 * @returns the process's exit code
 */
export async function main(words: readonly string[]): Promise<ExitCode> {
  const argv = withHelpLast(words);
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
        entry.name === asked ? (await entry.load())(done).addHelpText('after', EXIT_CODES) : listed(entry);
      program.addCommand(command);
    }
    speakThroughPrint(program);
    await program.parseAsync([...argv]);
    refuseUnread();
    return code;
  } catch (error) {
    return failure(error, asksForJson(argv));
  }
}

/** `help abi check` as `abi check --help`, which commander does for one word alone; an unknown command is an error. */
function withHelpLast(argv: readonly string[]): readonly string[] {
  const [node = '', script = '', first, ...command] = argv;
  if (first !== 'help' || command.length === 0) return argv;
  const isKnown = COMMANDS.some(({ name }) => name === command[0]);
  return [node, script, ...command, ...(isKnown ? ['--help'] : [])];
}

/** As the list of all commands shows it. */
function listed({ name, description, arguments: words }: CommandEntry): Command {
  const command = new Command(name).description(description);
  return words === '' ? command : command.arguments(words);
}

const EXIT_CODES = `
Exit codes: 0 all holds; 1 it ran, and the answer is no; 2 bad usage or bad input;
            3 could not run (something is not installed); 4 everything was skipped.`;

/** What commander has to say is printed as everything else is, and does not end the process. */
function speakThroughPrint(command: Command): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => printDocument(text.replace(/\n$/, '')),
    // The help after an error has lines of its own; the error, which repeats arguments, is one.
    writeErr: (text) => say(...text.replace(/\n$/, '').split('\n')),
    outputError: (text) => say(...errorAndHint(text.trimEnd())),
  });
  for (const below of command.commands) speakThroughPrint(below);
}

function failure(error: unknown, json: boolean): ExitCode {
  if (error instanceof CommanderError) {
    // Help and version are no errors. Of an error commander has printed the text.
    if (error.exitCode === 0) return ExitCode.ok;
    if (json) printDocument(errorDocument(usageError(error)));
    return ExitCode.badInput;
  }
  const known = asKhoforgeError(error);
  if (json) printDocument(errorDocument(known));
  printError(known);
  if (process.env.KHOFORGE_DEBUG) say(...inspect(error).split('\n'));
  return known.exitCode;
}

/** `(Did you mean --json?)`, which names what is known, has a line of its own. */
function errorAndHint(text: string): string[] {
  const hint = /\n(\(Did you mean [^\n]*\?\))$/.exec(text);
  return hint?.[1] === undefined ? [text] : [text.slice(0, hint.index), hint[1]];
}

function usageError({ message }: CommanderError): KhoforgeError {
  const [text = '', hint] = errorAndHint(message.replace(/^error: /, ''));
  return new KhoforgeError('USAGE', text, hint === undefined ? {} : { hint });
}
