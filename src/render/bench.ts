import { humanSize } from '../base/numbers.ts';
import { type BenchCase, OPERATION_TEXT, WORKLOAD_TEXT } from '../bench/cases.ts';
import { CONTENDER_TEXT } from '../bench/contenders/index.ts';
import type { BenchMachine } from '../bench/machine.ts';
import type { BenchGap, BenchReport, BenchResult } from '../bench/run.ts';
import { toJson } from './json.ts';

/** A table per operation, with a line per workload and contender. */
export function benchText(report: BenchReport, machine: BenchMachine): string[] {
  const { results, gaps, disagreements } = report;
  const operations = [...new Set(results.map(({ operation }) => operation))];
  return [
    ...bannerLines(machine),
    ...operations.flatMap((operation) => [
      '',
      `${operation}: ${OPERATION_TEXT[operation]}`,
      ...table(results.filter((result) => result.operation === operation)),
    ]),
    ...listed('Not measured:', gaps),
    ...listed('Contenders disagree, which is a bug:', disagreements),
    '',
    ...named('Workloads', WORKLOAD_TEXT, new Set(results.map(({ workload }) => workload))),
    ...named('Contenders', CONTENDER_TEXT, new Set(results.map(({ contender }) => contender))),
    'ratio: how many times as fast as the kernel contender, the median of paired runs.',
    'Each run is as the first of a process: with cold caches, and in memory that it did not have before.',
  ];
}

export function benchJson(report: BenchReport, machine: BenchMachine): string {
  return toJson('bench', 1, {
    machine,
    results: report.results,
    gaps: report.gaps,
    disagreements: report.disagreements,
  });
}

function bannerLines({
  khoforge,
  node,
  kernel,
  cpu,
  cores,
  memory,
  hugePages,
  date,
}: BenchMachine): string[] {
  const huge = hugePages === null ? '' : `, huge pages: ${hugePages}`;
  const machine = `${cpu}, ${cores} cores, ${humanSize(BigInt(Math.floor(memory / 2 ** 20)) << 20n)}${huge}`;
  return [`khoforge ${khoforge}, node ${node}, Linux ${kernel}, ${date}`, machine];
}

const HEADER = ['size', 'workload', 'contender', 'folios', 'time', 'per folio', 'ratio', 'resident'];

function table(results: readonly BenchResult[]): string[] {
  let last = '';
  const rows = results.map((result) => {
    const title = `${sizeText(result.size)} ${result.workload}`;
    const repeated = title === last;
    last = title;
    return [
      repeated ? '' : sizeText(result.size),
      repeated ? '' : result.workload,
      result.contender,
      countText(result.pages),
      timeText(result.seconds),
      `${((result.seconds / result.pages) * 1e9).toFixed(3)} ns`,
      result.ratioToKernel === null ? '' : ratioText(result.ratioToKernel),
      humanSize(BigInt(Math.max(0, Math.round(result.resident / 2 ** 20))) << 20n),
    ];
  });
  const widths = HEADER.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  return [HEADER, ...rows].map((row) =>
    row.map((cell, i) => (i < 3 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
}

export const sizeText = (size: number) =>
  size >= 2 ** 40 ? `${size / 2 ** 40} TiB` : `${size / 2 ** 30} GiB`;

export const caseText = ({ operation, workload, size }: BenchCase) =>
  `${operation}, ${workload}, ${sizeText(size)}`;

function countText(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} G`;
  return count >= 1e6 ? `${(count / 1e6).toFixed(2)} M` : String(count);
}

const timeText = (seconds: number) =>
  seconds >= 1 ? `${seconds.toFixed(2)} s` : `${(seconds * 1000).toFixed(seconds < 0.01 ? 3 : 1)} ms`;

const ratioText = (ratio: number) => ratio.toFixed(ratio < 10 ? 2 : 0);

function listed(title: string, gaps: readonly BenchGap[]): string[] {
  if (gaps.length === 0) return [];
  const lines = gaps.map(
    (gap) => `  ${caseText(gap)}${gap.contender ? `, ${gap.contender}` : ''}: ${gap.reason}`,
  );
  return ['', title, ...lines];
}

function named(title: string, texts: Readonly<Record<string, string>>, shown: ReadonlySet<string>): string[] {
  return [
    `${title}:`,
    ...Object.entries(texts).flatMap(([name, text]) =>
      shown.has(name) ? [`  ${name.padEnd(16)}${text}`] : [],
    ),
  ];
}
