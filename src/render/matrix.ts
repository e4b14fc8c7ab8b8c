import { type Cell, FATES, type Fate } from '../matrix/cell.ts';
import type { Judged } from '../matrix/expect.ts';
import type { MatrixReport } from '../matrix/run.ts';
import { toJson } from './json.ts';
import { type KtapTest, ktap } from './ktap.ts';

const LEGEND: Readonly<Record<Fate, string>> = {
  all: 'the kernel revives it, and user space gets everything back as it was',
  part: 'the kernel revives it, and something did not come back',
  nothing: 'the kernel runs as after a plain kexec: all state is lost',
  broken: 'the kernel panics, hangs or warns',
};

/** Whether everything is as expected. */
export const matrixPassed = (judged: readonly Judged[]): boolean => judged.every(({ ok }) => ok);

/** A grid of what came of each pair, then the answers of headers, `verify`, kernel and user space side by side. */
export function matrixText({ parties, notes, seconds }: MatrixReport, judged: readonly Judged[]): string[] {
  const cells = judged.map(({ cell }) => cell);
  const names = parties.map(({ name }) => name);
  const grid = [
    ['', ...names],
    ...names.map((from) => [from, ...names.map((to) => fateWord(find(cells, from, to)))]),
  ];
  const used = FATES.filter((fate) => cells.some(({ real }) => real?.fate === fate));
  const answers = [
    ['hands over', 'receives', 'headers', 'verify', 'kernel', 'user space'],
    ...cells.map((cell) => [cell.from, cell.to, ...answersOf(cell)]),
  ];
  return [
    'rows hand over, columns receive',
    ...table(grid),
    '',
    ...used.map((fate) => `${fate.padEnd(8)} ${LEGEND[fate]}`),
    '',
    ...table(answers),
    ...blank(judged.flatMap(remarks)),
    ...blank([...notes].flatMap(([name, texts]) => texts.map((text) => `${name}: ${text}`))),
    '',
    `${judged.filter(({ ok }) => ok).length} of ${judged.length} pairs are as expected; ${seconds.toFixed(0)} s`,
  ];
}

const blank = (lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', ...lines]);

const find = (cells: readonly Cell[], from: string, to: string) =>
  cells.find((cell) => cell.from === from && cell.to === to);

const fateWord = (cell: Cell | undefined): string => cell?.real?.fate ?? '-';

export function answersOf({ abi, verify, real }: Cell): string[] {
  return [abi?.outcome ?? '-', verify?.verdict ?? '-', real?.verdict ?? '-', real ? userText(real) : '-'];
}

function userText({ files, reserved }: NonNullable<Cell['real']>): string {
  return `${files.got} of ${files.made} files, reserve_mem ${reserved === true ? 'yes' : 'no'}`;
}

/** Of a pair that lost something why, and of one that is odd what. */
export function remarks({ cell, fates, ok }: Judged): string[] {
  const { from, to, abi, verify, real, why, findings } = cell;
  const expected = fates === undefined || ok ? '' : ` (expected ${fates.join(' or ')})`;
  const head = `${from} → ${to}: ${real?.fate ?? 'not tried'}${expected}`;
  if (!real) return [why === undefined ? head : `${head}: ${why}`];
  if (real.fate === 'nothing' && findings.length === 0) return [`${head}: ${abi?.reason ?? real.reason}`];
  if (real.fate === 'all' && findings.length === 0 && ok) return [];
  return [
    head,
    ...(abi ? [`    headers  ${abi.outcome}: ${abi.reason}`] : []),
    ...(verify ? [`    verify   ${verify.verdict}${verify.reason === '' ? '' : `: ${verify.reason}`}`] : []),
    `    kernel   ${real.verdict}: ${real.reason}`,
    ...userLines(real),
    ...findings.map((text) => `    finding  ${text}`),
  ];
}

const SHOWN = 5;

function userLines({ files: { lost } }: NonNullable<Cell['real']>): string[] {
  const more = lost.length > SHOWN ? [`    user     and ${lost.length - SHOWN} more`] : [];
  return [...lost.slice(0, SHOWN).map((text) => `    user     ${text}`), ...more];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((text, i) => text.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** A test for each pair. One that could not be tried, and of which nothing is expected, is skipped. */
export function matrixKtap(_report: MatrixReport, judged: readonly Judged[]): string[] {
  return ktap(
    judged.map(({ cell, fates, ok }): KtapTest => {
      const skip = cell.real === undefined && fates === undefined ? { skip: cell.why ?? 'not tried' } : {};
      const name = `${cell.from} to ${cell.to}: ${cell.real?.fate ?? 'not tried'}`;
      const answers = answersOf(cell).join(', ');
      return { name, ok, diagnostics: [answers, ...remarks({ cell, fates, ok })], ...skip };
    }),
  );
}

export function matrixJson({ parties, notes, seconds }: MatrixReport, judged: readonly Judged[]): string {
  return toJson('matrix', 1, {
    kernels: parties.map(({ name, path, sha256, file, release, profile }) => ({
      name,
      path,
      sha256,
      ...file,
      release: release ?? null,
      headers: profile !== undefined,
      notes: notes.get(name) ?? [],
    })),
    cells: judged.map(({ cell, fates, ok }) => ({ ...cell, expected: fates ?? null, ok })),
    seconds,
  });
}
