import type { FileCoverage } from '../coverage/coverage.ts';

/** A row for each file, and the lines that were not run by functions, with the reason where it is known. */
export function coverageText(files: readonly FileCoverage[]): string[] {
  const rows = files.map((file) => ({ path: file.path, ...sumOf([file]) }));
  const gaps = files.flatMap(gapsOf);
  const wrong = files.flatMap(({ path, boots, reasons }) =>
    [...reasons].flatMap(([line, why]) => (boots.get(line) ? [{ place: `${path}:${line}`, why }] : [])),
  );
  const listed = (title: string, of: readonly Gap[]) =>
    of.length === 0 ? [] : ['', title, ...of.map(({ place, why }) => `  ${place}${why && `: ${why}`}`)];
  return [
    'Lines of the kernel that receive a handover, and were run; [lines that a handover can reach]:',
    ...[...rows, { path: 'all', ...sumOf(files) }].map(rowOf),
    ...listed(
      'Not run:',
      gaps.filter(({ why }) => why === ''),
    ),
    ...listed(
      'Out of reach of a handover:',
      gaps.filter(({ why }) => why !== ''),
    ),
    ...listed('Run, though it was said to be out of reach:', wrong),
  ];
}

interface Sum {
  readonly run: number;
  readonly lines: number;
  /** Lines without those that a handover is known not to reach. */
  readonly reachable: number;
}

function sumOf(files: readonly FileCoverage[]): Sum {
  const all = files.flatMap(({ boots, reasons }) =>
    [...boots].map(([line, count]) => ({ isRun: count > 0, isOut: count === 0 && reasons.has(line) })),
  );
  const count = (is: (one: (typeof all)[number]) => boolean) => all.filter(is).length;
  return { run: count(({ isRun }) => isRun), lines: all.length, reachable: count(({ isOut }) => !isOut) };
}

const rowOf = ({ path, run, lines, reachable }: Sum & { path: string }): string =>
  `  ${percent(run, lines).padStart(6)}  ${`${run} of ${lines}`.padStart(12)}  [${percent(run, reachable)} of ${reachable}]  ${path}`;

const percent = (run: number, lines: number): string => `${((run * 100) / Math.max(lines, 1)).toFixed(1)}%`;

interface Gap {
  /** `mm/memfd_luo.c:420-423 memfd_luo_retrieve` */
  readonly place: string;
  /** Empty where it is not known. */
  readonly why: string;
}

/** Lines that were not run, with none between them that was, or that has another reason. */
function gapsOf({ path, functions, boots, reasons }: FileCoverage): Gap[] {
  const lines = [...boots].sort(([a], [b]) => a - b);
  const gaps: { from: number; to: number; why: string; name: string }[] = [];
  let open: (typeof gaps)[number] | undefined;
  for (const [line, count] of lines) {
    const name = functions.find(({ first, last }) => line >= first && line <= last)?.name ?? '';
    const why = reasons.get(line) ?? '';
    if (count > 0) open = undefined;
    else if (open?.name === name && open.why === why) open.to = line;
    else {
      open = { from: line, to: line, why, name };
      gaps.push(open);
    }
  }
  return gaps.map(({ from, to, why, name }) => ({
    place: `${path}:${from === to ? from : `${from}-${to}`} ${name}`.trimEnd(),
    why,
  }));
}

/** For `--json`. */
export const coverageJson = (files: readonly FileCoverage[]) => ({
  ...sumOf(files),
  files: files.map((file) => ({
    path: file.path,
    ...sumOf([file]),
    boots: Object.fromEntries([...file.boots].sort(([a], [b]) => a - b)),
    outOfReach: Object.fromEntries([...file.reasons].filter(([line]) => file.boots.get(line) === 0)),
  })),
});
