import type { CellOutcome, CompatCell } from '../profile/compat.ts';
import { toJson } from './json.ts';
import { ktap } from './ktap.ts';

const WORDS: Readonly<Record<CellOutcome, string>> = {
  ok: 'OK',
  core: 'core',
  refused: 'REF',
  corrupts: 'CORR',
};
const LEGEND: Readonly<Record<CellOutcome, string>> = {
  ok: 'everything arrives',
  core: 'the memory map and subtrees arrive, something else does not',
  refused: 'refused: the receiver boots as after a plain kexec, all state is lost',
  corrupts: 'accepted and misread',
};

/** The matrix, its legend, and the reason of each cell between different sources that is not OK. */
export function compatText(cells: readonly CompatCell[]): string[] {
  const rows = [...new Set(cells.map(({ from }) => from))];
  const columns = [...new Set(cells.map(({ to }) => to))];
  const width = Math.max(...rows.map((name) => name.length));
  const find = (from: string, to: string) => cells.find((cell) => cell.from === from && cell.to === to);
  const line = (from: string) =>
    [from.padEnd(width), ...columns.map((to) => word(find(from, to)).padEnd(to.length + 1))]
      .join('  ')
      .trimEnd();
  const used = [...new Set(cells.map(({ outcome }) => outcome))];
  const reasons = cells.filter(({ outcome }) => outcome !== 'ok').flatMap(cellLines);
  return [
    [' '.repeat(width), ...columns.map((name) => name.padEnd(name.length + 1))].join('  ').trimEnd(),
    ...rows.map(line),
    '',
    ...used.map((outcome) => `${WORDS[outcome].padEnd(5)} ${LEGEND[outcome]}`),
    ...(reasons.length > 0 ? ['', ...reasons] : []),
  ];
}

const word = (cell: CompatCell | undefined) => (cell ? WORDS[cell.outcome] : '-');

function cellLines(cell: CompatCell): string[] {
  const { from, to, outcome, reason, subsystems } = cell;
  const parts = subsystems
    .filter(
      (one) =>
        outcome !== 'refused' &&
        (one.outcome === 'ignored' || one.outcome === 'corrupts' || one.outcome === 'refused'),
    )
    .map((one) => `    ${one.subsystem}: ${one.outcome}: ${one.reason}`);
  return [`${from} → ${to}: ${WORDS[outcome]}${parts.length > 0 ? '' : `: ${reason}`}`, ...parts];
}

export function compatJson(cells: readonly CompatCell[]): string {
  return toJson('abi-compat', 1, { cells });
}

export function compatKtap(cells: readonly CompatCell[]): string[] {
  return ktap(
    cells.map(({ from, to, outcome, reason }) => ({
      name: `${from} to ${to}: ${outcome}`,
      ok: outcome === 'ok',
      diagnostics: [reason],
    })),
  );
}
