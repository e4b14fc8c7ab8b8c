import { Session } from 'node:inspector';

/**
 * Counts how often the engine runs the functions, branches and loops of src/: a measure of work that neither the
 * machine nor its load changes. What a built-in function does inside is not counted.
 */
export class WorkCounter {
  readonly #session = new Session();

  /** To be made before src/ runs for the first time: the engine counts in what it compiles from then on. */
  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  workOf(task: () => unknown): number {
    this.#take();
    task();
    return this.#take();
  }

  close(): void {
    this.#session.disconnect();
  }

  /** The count since the last one. */
  #take(): number {
    let work = 0;
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error) throw error;
      for (const { url, functions } of taken.result) {
        if (!url.includes('/src/')) continue;
        for (const { ranges } of functions) for (const { count } of ranges) work += count;
      }
    });
    return work;
  }
}
