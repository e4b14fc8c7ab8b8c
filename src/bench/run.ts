import { type BenchCase, leftOut } from './cases.ts';
import type { Outcome } from './contender.ts';
import { CONTENDER_NAMES, type ContenderName } from './contenders/index.ts';
import { ContenderProcess, coreToPin } from './process.ts';

/** One contender's part in a case. */
export interface BenchResult extends BenchCase {
  readonly contender: ContenderName;
  /** Folios read or written by a run. */
  readonly pages: number;
  /** Median of the runs. */
  readonly seconds: number;
  /** How many times as fast as the kernel's algorithm: the median of the ratios of paired runs. */
  readonly ratioToKernel: number | null;
  /** Bytes that became resident during a run, at most. */
  readonly resident: number;
  readonly runs: number;
}

/** What was not measured, and why. */
export interface BenchGap extends BenchCase {
  /** Null: the whole case. */
  readonly contender: ContenderName | null;
  readonly reason: string;
}

export interface BenchReport {
  readonly results: readonly BenchResult[];
  readonly gaps: readonly BenchGap[];
  /** Contenders whose results differ: a bug, here or there. */
  readonly disagreements: readonly BenchGap[];
}

export interface BenchRunOptions {
  /** Called before each case. */
  onCase?: (bench: BenchCase, number: number, of: number) => void;
  contenders?: readonly ContenderName[];
  /** Seconds that the timed runs of a case may take; at least one is made. */
  budget?: number;
  signal?: AbortSignal;
}

const MAX_RUNS = 9;

/** Every case, one after the other; in each the contenders take turns, so that what slows the machine slows all. */
export async function runBench(
  cases: readonly BenchCase[],
  options: BenchRunOptions = {},
): Promise<BenchReport> {
  const results: BenchResult[] = [];
  const gaps: BenchGap[] = [];
  const disagreements: BenchGap[] = [];
  for (const [i, bench] of cases.entries()) {
    options.signal?.throwIfAborted();
    const reason = leftOut(bench);
    if (reason !== undefined) {
      gaps.push({ ...bench, contender: null, reason });
      continue;
    }
    options.onCase?.(bench, i + 1, cases.length);
    const done = await runCase(bench, options);
    results.push(...done.results);
    gaps.push(...done.gaps);
    disagreements.push(...done.disagreements);
  }
  return { results, gaps, disagreements };
}

/** A contender that is ready, and what it did so far. */
interface Turn {
  readonly name: ContenderName;
  readonly process: ContenderProcess;
  readonly pages: number;
  readonly seconds: number[];
  resident: number;
}

async function runCase(bench: BenchCase, options: BenchRunOptions): Promise<BenchReport> {
  const { contenders = CONTENDER_NAMES, budget = 10, signal } = options;
  const core = await coreToPin();
  const started: ContenderProcess[] = [];
  const turns: Turn[] = [];
  const gaps: BenchGap[] = [];
  const disagreements: BenchGap[] = [];
  const outcomes: NamedOutcome[] = [];
  const gap = (contender: ContenderName, reason: string) => ({ ...bench, contender, reason });
  const stop = () => {
    for (const process of started) process.stop();
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for (const name of contenders) {
      const process = new ContenderProcess(name, name === 'khoforge-cores' ? undefined : core);
      started.push(process);
      const ready = await process.ask({ do: 'prepare', bench });
      if (ready.kind === 'failed') gaps.push(gap(name, `${ready.text}${hintOf(ready.hint)}`));
      if (ready.kind !== 'prepared') continue;
      // The first run is not counted, and shows that all do the same.
      const first = await process.ask({ do: 'run', checked: true });
      if (first.kind === 'failed') gaps.push(gap(name, `${first.text}${hintOf(first.hint)}`));
      if (first.kind !== 'ran') continue;
      turns.push({ name, process, pages: ready.folios, seconds: [], resident: 0 });
      const sum = first.sum === null ? undefined : BigInt(first.sum);
      outcomes.push({ name, count: first.count, ...(sum !== undefined && { sum }) });
    }
    for (const { name, text } of differing(outcomes)) disagreements.push(gap(name, text));
    await takeTurns(turns, budget, signal);
  } finally {
    stop();
    signal?.removeEventListener('abort', stop);
  }
  signal?.throwIfAborted();
  const kernel = turns.find(({ name }) => name === 'kernel');
  const results = turns
    .filter(({ seconds }) => seconds.length > 0)
    .map(({ name, pages, seconds, resident }) => ({
      ...bench,
      contender: name,
      pages,
      seconds: median(seconds),
      ratioToKernel: kernel ? median(pairs(kernel.seconds, seconds)) : null,
      resident,
      runs: seconds.length,
    }));
  return { results, gaps, disagreements };
}

async function takeTurns(turns: readonly Turn[], budget: number, signal?: AbortSignal): Promise<void> {
  const start = performance.now();
  for (let round = 0; round < MAX_RUNS; round++) {
    for (const turn of turns) {
      const reply = await turn.process.ask({ do: 'run', checked: false });
      if (reply.kind !== 'ran') continue;
      turn.seconds.push(reply.seconds);
      turn.resident = Math.max(turn.resident, reply.resident);
    }
    const elapsed = (performance.now() - start) / 1000;
    if (elapsed + elapsed / (round + 1) > budget || signal?.aborted) return;
  }
}

/** What a contender's first run gave. One that makes nothing comparable has a count of 0, or no sum. */
export interface NamedOutcome extends Outcome {
  readonly name: ContenderName;
}

/** Those that gave something else than the first contender with something to compare. */
export function differing(outcomes: readonly NamedOutcome[]): { name: ContenderName; text: string }[] {
  const counted = outcomes.find(({ count }) => count !== 0);
  const summed = outcomes.find(({ sum }) => sum !== undefined);
  return outcomes.flatMap(({ name, count, sum }) => {
    const isCount = !counted || count === 0 || count === counted.count;
    const isSum = !summed || sum === undefined || sum === summed.sum;
    if (isCount && isSum) return [];
    const text = `${count} results, sum ${sum}; ${counted?.name}: ${counted?.count}; ${summed?.name}: sum ${summed?.sum}`;
    return [{ name, text }];
  });
}

const hintOf = (hint: string | null) => (hint === null ? '' : ` (${hint})`);

function pairs(kernel: readonly number[], other: readonly number[]): number[] {
  return other.map((seconds, i) => (kernel[i] ?? Number.NaN) / seconds).filter(Number.isFinite);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
