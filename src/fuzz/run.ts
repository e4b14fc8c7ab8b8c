import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { lineCount } from '../coverage/coverage.ts';
import type { SuiteKernel } from '../suite/kernel.ts';
import type { RunLog } from '../suite/run-log.ts';
import { type Shard, shardText } from '../suite/shard.ts';
import { Asker, type Attempt, type AttemptOptions } from './attempt.ts';
import type { Base } from './base.ts';
import { keepFinding } from './finding.ts';
import { Guided, type Learned, type Plan, type Planner, ROUND, Unguided } from './guide.ts';
import { type Mutation, mutationText } from './mutation.ts';
import { groupOfAttempt, reduce, type Shown } from './reduce.ts';
import {
  type AttemptEntry,
  countOf,
  type Finding,
  type FuzzEntry,
  type FuzzReport,
  fuzzReport,
} from './result.ts';

export interface FuzzOptions extends AttemptOptions {
  readonly seed: string;
  /** Runs of all shards together; may be infinite. */
  readonly count: number;
  /** No run begins later than that. */
  readonly seconds: number;
  readonly shard: Shard;
  /** Learns from the lines that runs reach: it takes `program`, and is one run on one machine. */
  readonly guided?: boolean;
  /** Boots at a time. */
  readonly jobs: number;
  readonly log: RunLog<FuzzEntry>;
  /** Called after each run. */
  readonly onRun?: (done: number, total: number, groups: number) => void;
}

/**
 * Asks a kernel mutated handovers. What a run is follows from the seed, its number, the bases and the release: it is the
 * same on every machine, and in every shard; where it is guided, from what the rounds before reached too. What stops it
 * (`signal`) leaves what was found so far.
 * @throws KhoforgeError of Asker.ask()
 */
export async function runFuzz(
  bases: readonly Base[],
  kernel: SuiteKernel,
  options: FuzzOptions,
): Promise<FuzzReport> {
  return new Fuzz(bases, kernel, options).run();
}

class Fuzz {
  readonly #planner: Planner;
  readonly #kernel: SuiteKernel;
  readonly #options: FuzzOptions;
  readonly #asker: Asker;
  readonly #entries: FuzzEntry[];
  /** Of each group the lowest run that is known, which is the one to be reduced. */
  readonly #findings = new Map<string, number>();
  readonly #failed: string[] = [];
  #finished = 0;
  readonly #started = performance.now();

  constructor(bases: readonly Base[], kernel: SuiteKernel, options: FuzzOptions) {
    this.#kernel = kernel;
    this.#options = options;
    this.#asker = new Asker(kernel, options);
    this.#entries = [...options.log.before];
    this.#planner = options.guided ? new Guided(bases, options.seed) : new Unguided(bases, options.seed);
    if (!options.guided)
      for (const one of this.#entries) if ('kind' in one) this.#planner.newOf(one.lines ?? []);
    for (const one of this.#entries) if ('finding' in one) this.#note(one);
  }

  async run(): Promise<FuzzReport> {
    const { count, shard, seed, signal, program } = this.#options;
    const before = this.#entries.flatMap((one) => ('kind' in one ? [one] : []));
    const known = new Map(before.map((one) => [one.run, one]));
    for (const round of this.#rounds()) {
      const learned = await this.#round(round, known);
      if (this.#isOver || this.#failed.length > 0) break;
      this.#planner.learn(learned);
    }
    const stopped = signal?.aborted === true;
    if (!stopped && this.#failed.length === 0)
      this.#add({ ended: shardText(shard), count: Number.isFinite(count) ? count : null });
    const failed = countOf(this.#failed);
    const rest = { kernel: this.#kernel.version, seed, failed, stopped, seconds: this.#seconds };
    return fuzzReport(this.#entries, rest, program && lineCount(program));
  }

  /** The first run of each, and the one behind its last: what is learned from is done before what learns from it. */
  *#rounds(): Iterable<readonly [from: number, to: number]> {
    const { count, guided } = this.#options;
    const step = guided ? ROUND : count;
    for (let from = 0; from < count && !this.#isOver; from += step)
      yield [from, Math.min(from + step, count)];
  }

  async #round(
    [from, to]: readonly [number, number],
    known: ReadonlyMap<number, AttemptEntry>,
  ): Promise<Learned[]> {
    const { count, shard, jobs, guided, onRun } = this.#options;
    const learned: Learned[] = [];
    let next = from + shard.index - 1;
    const worker = async () => {
      while (next < to && !this.#isOver) {
        const run = next;
        next += shard.of;
        const before = known.get(run);
        if (before === undefined || guided) {
          const plan = this.#planner.plan(run);
          const entry = before ?? (await this.#attempt(run, plan));
          if (this.#options.signal?.aborted) return;
          learned.push({ run, plan, lines: entry?.lines ?? [] });
        }
        onRun?.(++this.#finished, Math.ceil((count - shard.index + 1) / shard.of), this.#findings.size);
      }
    };
    await Promise.all(Array.from({ length: jobs }, worker));
    return learned;
  }

  get #seconds(): number {
    return Math.round(performance.now() - this.#started) / 1000;
  }

  get #isOver(): boolean {
    return this.#options.signal?.aborted === true || this.#seconds >= this.#options.seconds;
  }

  /** Undefined where it was stopped, or could not be asked. */
  async #attempt(run: number, { base, mutations }: Plan): Promise<AttemptEntry | undefined> {
    const logs: string[] = [];
    const ask = (wanted: readonly Mutation[]) => {
      const name = `run-${run}-${logs.length}`;
      logs.push(name);
      return this.#asker.ask(base, wanted, name);
    };
    try {
      const attempt = await ask(mutations);
      const group = groupOfAttempt(attempt);
      if (group !== undefined) await this.#found(run, group, base, { mutations, attempt }, ask);
      if (attempt.kind === 'failed') {
        this.#failed.push(attempt.code);
        return undefined;
      }
      const entry = entryOf(run, attempt, group, this.#planner.newOf(attempt.lines ?? []));
      this.#add(entry);
      return entry;
    } catch (error) {
      if (this.#options.signal?.aborted) return undefined;
      throw error;
    } finally {
      for (const name of logs) rmSync(join(this.#options.folder, `${name}.log`), { force: true });
    }
  }

  /** Of each group the lowest run is reduced and kept, however the runs overtake each other. */
  async #found(run: number, group: string, base: Base, shown: Shown, ask: Ask): Promise<void> {
    const isLowest = () => run <= (this.#findings.get(group) ?? run);
    if (this.#findings.get(group) === run || !isLowest()) return;
    this.#findings.set(group, run);
    const { mutations, attempt } = await reduce(shown, ask);
    if (!isLowest() || !('evidence' in attempt)) return;
    const finding: Finding = {
      finding: group,
      run,
      base: base.name,
      mutations: mutations.map(mutationText),
      ...(attempt.kind === 'differs' ? { difference: attempt.difference } : { [attempt.kind]: attempt.why }),
    };
    keepFinding(this.#options.folder, finding, attempt.evidence, base.setting, this.#kernel);
    this.#add(finding);
  }

  #add(entry: FuzzEntry): void {
    this.#entries.push(entry);
    this.#options.log.add(entry);
  }

  #note({ finding, run }: Finding): void {
    this.#findings.set(finding, Math.min(run, this.#findings.get(finding) ?? run));
  }
}

type Ask = (mutations: readonly Mutation[]) => Promise<Attempt>;

function entryOf(
  run: number,
  attempt: Attempt,
  group: string | undefined,
  lines: readonly string[],
): AttemptEntry {
  const { kind } = attempt;
  if (kind === 'failed') throw new RangeError('nothing came of it');
  return {
    run,
    kind,
    ...(group !== undefined && { group }),
    ...(attempt.kind === 'refused' && { code: attempt.code }),
    ...(lines.length > 0 && { lines: [...lines] }),
  };
}
