import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { KhoforgeError } from '../base/errors.ts';
import { isIn, type Shard, WHOLE } from '../suite/shard.ts';
import type { Cell } from './cell.ts';
import type { Party } from './party.ts';
import { type Producer, producerOf } from './produce.ts';
import { receive } from './receive.ts';

export interface MatrixOptions {
  /** Where handovers and consoles are kept. */
  readonly folder: string;
  /** Kernels at a time. */
  readonly jobs: number;
  readonly shard?: Shard;
  readonly cmdline?: string | undefined;
  readonly memory?: bigint | undefined;
  readonly timeout: number;
  readonly cc?: string | undefined;
  readonly signal?: AbortSignal;
  /** Called with what is done, in a few words, and how much of all. */
  readonly onStep?: (what: string, done: number, total: number) => void;
}

export interface MatrixReport {
  readonly parties: readonly Party[];
  /** What each kernel went without, or why it hands nothing over. */
  readonly notes: ReadonlyMap<string, readonly string[]>;
  readonly cells: readonly Cell[];
  readonly seconds: number;
}

/**
 * Lets each kernel hand over once, and each kernel receive each handover. What stops it (`signal`) leaves what was found.
 * @throws KhoforgeError of producerOf(); what keeps one cell from being tried is told in it
 */
export async function runMatrix(parties: readonly Party[], options: MatrixOptions): Promise<MatrixReport> {
  const { folder, jobs, shard = WHOLE, signal, onStep } = options;
  const started = performance.now();
  const pairs = parties
    .flatMap((from) => parties.map((to) => ({ from, to })))
    .filter((_, number) => isIn(shard, number));
  const first = [...new Set(pairs.map(({ from }) => from))];
  const total = first.length + pairs.length;
  let done = 0;
  const step = (what: string) => onStep?.(what, ++done, total);
  const producers = new Map<Party, Producer>();
  mkdirSync(join(folder, 'consoles'), { recursive: true });
  await inParallel(first, jobs, signal, async (party) => {
    producers.set(party, await producerOf(party, { ...options, folder: join(folder, 'produced') }));
    step(`${party.name} handed over`);
  });
  const cells: Cell[] = [];
  await inParallel(pairs, jobs, signal, async ({ from, to }) => {
    const producer = producers.get(from);
    if (!producer) return;
    const cell = await cellOf(from, to, producer, options);
    if (!cell) return;
    cells.push(cell);
    step(`${from.name} to ${to.name}`);
  });
  const order = (name: string) => parties.findIndex((party) => party.name === name);
  return {
    parties,
    notes: new Map([...producers].map(([{ name }, { notes }]) => [name, notes])),
    cells: cells.sort((a, b) => order(a.from) - order(b.from) || order(a.to) - order(b.to)),
    seconds: Math.round(performance.now() - started) / 1000,
  };
}

/** Undefined for one that was stopped. */
async function cellOf(
  from: Party,
  to: Party,
  producer: Producer,
  options: MatrixOptions,
): Promise<Cell | undefined> {
  try {
    return await receive(from, to, producer, { ...options, folder: join(options.folder, 'consoles') });
  } catch (error) {
    if (options.signal?.aborted) return undefined;
    if (!(error instanceof KhoforgeError) || error.code === 'QEMU_MISSING') throw error;
    return { from: from.name, to: to.name, why: error.message, findings: [] };
  }
}

async function inParallel<T>(
  items: readonly T[],
  jobs: number,
  signal: AbortSignal | undefined,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined && !signal?.aborted; item = queue.shift()) {
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}
