import { mutationsText } from '../fuzz/finding.ts';
import { type FuzzReport, fuzzPassed, type Group } from '../fuzz/result.ts';
import { toJson } from './json.ts';

/** Each cause with what was foretold and what came, and where it is kept; then the sums. */
export function fuzzText(report: FuzzReport, folder: string | undefined): string[] {
  const { groups, stopped } = report;
  return [
    ...groups.flatMap((group) => [...groupText(group, folder), '']),
    ...sums(report),
    ...(stopped ? ['it came to no end: --resume goes on with it'] : []),
  ];
}

function groupText({ finding, runs }: Group, folder: string | undefined): string[] {
  const { difference, fault, bug, base, mutations, finding: name } = finding;
  const count = `${runs.length} ${runs.length === 1 ? 'run' : 'runs'}, first ${finding.run}`;
  const what = difference
    ? `foretold ${difference.predicted}, was ${difference.actual}`
    : fault === undefined
      ? 'a bug in khoforge'
      : "in the kernel's own code";
  return [
    `${what} (${count})`,
    ...(bug === undefined ? [] : [`    ${bug}`]),
    ...(fault === undefined ? [] : [`    ${fault}`]),
    ...(difference?.check === undefined ? [] : [`    by the check ${difference.check}`]),
    ...(difference?.foretold === undefined ? [] : [`    - ${difference.foretold}`]),
    ...(difference?.said === undefined ? [] : [`    + ${difference.said}`]),
    `    ${mutationsText(base, mutations)}`,
    ...(folder === undefined ? [] : [`    ${folder}/findings/${name}/spec.yaml`]),
  ];
}

function sums({ kernel, seed, totals, refused, failed, groups, seconds, lines }: FuzzReport): string[] {
  const { same, open, differs, fault, bug, flaky, refused: no } = totals;
  const of = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([code, count]) => `${count} ${code}`)
      .join(', ');
  const runs = Object.values(totals).reduce((sum, count) => sum + count, 0);
  return [
    `Linux ${kernel}, seed ${seed}: ${runs} runs, ${seconds.toFixed(0)} s`,
    `  ${same} as foretold, ${open} as far as anything was, ${differs + bug} not, of ${groups.length} causes, ${flaky} flaky`,
    ...(fault > 0 ? [`  ${fault} in which sanitizers found something`] : []),
    ...(lines
      ? [`  ${lines.reached}${ofAll(lines.of)} lines of the kernel's code that receives were run`]
      : []),
    ...(no > 0 ? [`  ${no} refused by build: ${of(refused)}`] : []),
    ...(Object.keys(failed).length > 0 ? [`  could not be asked: ${of(failed)}`] : []),
  ];
}

const ofAll = (count: number | undefined) => (count === undefined ? '' : ` of ${count}`);

export function fuzzJson(report: FuzzReport): string {
  const groups = report.groups.map(({ finding: { finding: name, ...finding }, runs }) => ({
    name,
    ...finding,
    runs,
  }));
  return toJson('fuzz', 1, { ...report, passed: fuzzPassed(report), groups });
}
