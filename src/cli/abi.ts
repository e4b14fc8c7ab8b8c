import { Command } from 'commander';
import type { ExitCode } from '../base/errors.ts';
import { abiCheckCommand } from './abi-check.ts';
import { abiCompatCommand } from './abi-compat.ts';
import { abiDiffCommand } from './abi-diff.ts';
import { abiLintCommand } from './abi-lint.ts';
import { abiProfileCommand } from './abi-profile.ts';
import { abiShowCommand } from './abi-show.ts';

const HELP = `
Example:
  khoforge abi show kho_vmalloc --release 7.3
  khoforge abi check --tree ~/src/linux --page-size all
  khoforge abi diff 6.17 6.18
`;

/** `khoforge abi …`: layouts against real headers. */
export function abiCommand(done: (code: ExitCode) => void): Command {
  const abi = new Command('abi')
    .description('compare layouts, strings and constants with real kernel headers')
    .showHelpAfterError('(khoforge abi --help lists its commands)')
    .addHelpText('after', HELP);
  for (const command of [
    abiShowCommand,
    abiCheckCommand,
    abiDiffCommand,
    abiCompatCommand,
    abiProfileCommand,
    abiLintCommand,
  ]) {
    abi.addCommand(command(done).showHelpAfterError('(--help shows an example)'));
  }
  return abi;
}
