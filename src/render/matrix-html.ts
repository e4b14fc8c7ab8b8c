import type { Judged } from '../matrix/expect.ts';
import type { MatrixReport } from '../matrix/run.ts';
import { answersOf, remarks } from './matrix.ts';

/** Colours by what came of a pair: good, less, lost, bad. */
const STYLE = `body { font: 15px/1.5 sans-serif; margin: 2em; max-width: 70em }
table { border-collapse: collapse; margin: 1em 0 }
th, td { border: 1px solid #aaa; padding: .3em .7em; text-align: left }
.all { background: #cfe8cf } .part { background: #f7e7b4 } .nothing { background: #e4e4e4 } .broken { background: #f3c2c2 }
.odd { outline: 3px solid #b00 } pre { white-space: pre-wrap }`;

/** One page that needs nothing else: the grid, and of each pair its answers. */
export function matrixHtml({ parties, notes, seconds }: MatrixReport, judged: readonly Judged[]): string {
  const names = parties.map(({ name }) => name);
  const find = (from: string, to: string) => judged.find(({ cell }) => cell.from === from && cell.to === to);
  const grid = names.map(
    (from) => `<tr><th>${escaped(from)}</th>${names.map((to) => gridCell(find(from, to))).join('')}</tr>`,
  );
  const passed = judged.filter(({ ok }) => ok).length;
  return [
    '<!DOCTYPE html>',
    `<html lang="en"><meta charset="utf-8"><title>khoforge matrix</title><style>${STYLE}</style>`,
    `<h1>Version pairs</h1><p>Rows hand over, columns receive. ${passed} of ${judged.length} pairs are as expected; ${seconds.toFixed(0)} s.</p>`,
    `<table><tr><th></th>${names.map((name) => `<th>${escaped(name)}</th>`).join('')}</tr>`,
    ...grid,
    '</table>',
    '<table><tr><th>hands over<th>receives<th>headers<th>verify<th>kernel<th>user space<th>expected</tr>',
    ...judged.map(answerRow),
    '</table>',
    ...[...notes].flatMap(([name, texts]) => texts.map((text) => `<p>${escaped(`${name}: ${text}`)}</p>`)),
    '</html>',
  ].join('\n');
}

/** A pair that is not as expected, or that has a finding, is framed. */
function gridCell(judged: Judged | undefined): string {
  const fate = judged?.cell.real?.fate;
  if (judged === undefined || fate === undefined) return '<td>-</td>';
  const odd = judged.ok && judged.cell.findings.length === 0 ? '' : ' odd';
  return `<td class="${fate}${odd}">${fate}</td>`;
}

function answerRow(judged: Judged): string {
  const { cell, fates, ok } = judged;
  const expected = fates === undefined ? 'anything' : `${fates.join(' or ')}${ok ? '' : ': it is not'}`;
  const cells = [cell.from, cell.to, ...answersOf(cell), expected].map((text) => `<td>${escaped(text)}</td>`);
  const told = remarks(judged);
  const detail =
    told.length === 0 ? '' : `<tr><td colspan="7"><pre>${escaped(told.join('\n'))}</pre></td></tr>`;
  return `<tr>${cells.join('')}</tr>${detail}`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Names come from users, and lines from guests. */
const escaped = (text: string): string => text.replace(/[&<>"]/g, (one) => ENTITIES[one] ?? one);
