import type { FileCoverage } from '../coverage/coverage.ts';

/** A row for each file, and the functions of which lines were not run, with those lines. */
export function coverageText(files: readonly FileCoverage[]): string[] {
  const rows = files.map((file) => ({ path: file.path, ...reached([...file.boots.values()]) }));
  const all = reached(files.flatMap(({ boots }) => [...boots.values()]));
  return [
    'Lines of the kernel that receive a handover, and were run:',
    ...[...rows, { path: 'all', ...all }].map(rowOf),
    '',
    'Not run:',
    ...files.flatMap((file) => gaps(file).map((gap) => `  ${gap}`)),
  ];
}

interface Reached {
  readonly run: number;
  readonly lines: number;
}

const reached = (boots: readonly number[]): Reached => ({
  run: boots.filter((count) => count > 0).length,
  lines: boots.length,
});

const rowOf = ({ path, run, lines }: Reached & { path: string }): string =>
  `  ${percent(run, lines).padStart(6)}  ${`${run} of ${lines}`.padStart(12)}  ${path}`;

const percent = (run: number, lines: number): string => `${((run * 100) / Math.max(lines, 1)).toFixed(1)}%`;

/** `mm/memfd_luo.c:420-423,431 memfd_luo_retrieve` */
function gaps({ path, functions, boots }: FileCoverage): string[] {
  const lines = [...boots].sort(([a], [b]) => a - b);
  return functions.flatMap(({ name, first, last }) => {
    const own = lines.filter(([line]) => line >= first && line <= last);
    const parts = runs(own).map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
    return parts.length === 0 ? [] : [`${path}:${parts.join(',')} ${name}`];
  });
}

/** From the first to the last of lines that were not run, with none between them that was. */
function runs(lines: readonly (readonly [line: number, count: number])[]): [from: number, to: number][] {
  const found: [number, number][] = [];
  let open: [number, number] | undefined;
  for (const [line, count] of lines) {
    if (count > 0) open = undefined;
    else if (open) open[1] = line;
    else {
      open = [line, line];
      found.push(open);
    }
  }
  return found;
}

/** For `--json`. */
export const coverageJson = (files: readonly FileCoverage[]) => ({
  ...reached(files.flatMap(({ boots }) => [...boots.values()])),
  files: files.map(({ path, boots }) => ({
    path,
    ...reached([...boots.values()]),
    boots: Object.fromEntries([...boots].sort(([a], [b]) => a - b)),
  })),
});
