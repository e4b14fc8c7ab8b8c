import { Command } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { doctorJson, doctorText } from '../render/doctor.ts';
import { examine } from '../toolchain/doctor.ts';
import { print, printDocument } from './print.ts';

const HELP = `
Example:
  khoforge doctor

Exits with 3 when something is missing that khoforge needs for handovers of this
machine's architecture; what only a clone needs, or another architecture, is
listed all the same.
`;

export function doctorCommand(done: (code: ExitCode) => void): Command {
  return new Command('doctor')
    .description('what is installed, what is missing, and the line that installs it')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: { json?: boolean }) => {
      const findings = examine();
      if (options.json) printDocument(doctorJson(findings));
      else print(doctorText(findings));
      const lacking = findings.some(({ found, required }) => required && found === null);
      done(lacking ? ExitCode.couldNotRun : ExitCode.ok);
    });
}
