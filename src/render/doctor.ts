import type { DoctorFinding } from '../toolchain/doctor.ts';
import { toJson } from './json.ts';

/** A line for each tool, then for each purpose that lacks some the line that installs them. */
export function doctorText(findings: readonly DoctorFinding[]): string[] {
  const lines = findings.map(
    ({ name, neededFor, found }) =>
      `${found === null ? 'missing' : 'ok     '}  ${name.padEnd(20)}${found ?? `needed for: ${neededFor}`}`,
  );
  const hints = findings.flatMap(({ hint }) => (hint === undefined ? [] : [hint]));
  const purposes = new Set(findings.map(({ neededFor }) => neededFor));
  const install = [...purposes].flatMap((purpose) => {
    const missing = findings.filter(({ neededFor, found }) => neededFor === purpose && found === null);
    const packages = missing.flatMap((tool) => tool.packages);
    return packages.length > 0 ? [`apt-get install -y ${packages.join(' ')}  # ${purpose}`] : [];
  });
  return [...lines, ...hints, ...install];
}

export function doctorJson(findings: readonly DoctorFinding[]): string {
  return toJson('doctor', 1, { findings });
}
