import type { BenchCase } from './cases.ts';

/** What a run did, so that contenders can be compared: they have to agree. */
export interface Outcome {
  /** Ranges, page numbers or tree pages; 0 where there is nothing to compare. */
  readonly count: number;
  /** Sum of the result's 64-bit numbers modulo 2^64, where it was asked for. */
  readonly sum?: bigint;
}

/** An operation whose input is ready. */
export interface Prepared {
  /** Folios that are read or written by one run. */
  readonly folios: number;
  /** @param checked also gives `sum`, which takes longer */
  run(checked: boolean): Outcome;
}

/** A way to do what the benchmark asks for. It lives in a process of its own. */
export interface Contender {
  /**
   * Makes the input of a case.
   * @returns undefined when it has no such operation
   * @throws KhoforgeError when it cannot run, and why
   */
  prepare(bench: BenchCase): Prepared | undefined | Promise<Prepared | undefined>;
}
