import { Command } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { doctorText, examine } from '../render/doctor.ts';
import { toJson } from '../render/json.ts';

const HELP = `
Example:
  khoforge doctor

Exits with 3 when something that a command needs is missing.
`;

export function doctorCommand(done: (code: ExitCode) => void): Command {
  return new Command('doctor')
    .description('what is installed, what is missing, and the line that installs it')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: { json?: boolean }) => {
      const findings = examine();
      console.log(options.json ? toJson('doctor', 1, { findings }) : doctorText(findings));
      done(findings.every(({ found }) => found !== null) ? ExitCode.ok : ExitCode.couldNotRun);
    });
}
