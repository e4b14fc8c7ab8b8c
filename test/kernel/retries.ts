import type { Reporter, TestCase } from 'vitest/node';

/** Says at the end which tests passed only when they were run again, and what went wrong first: a race is not lost. */
export class Retries implements Reporter {
  readonly #retried: string[] = [];

  onTestCaseResult(test: TestCase): void {
    const retries = test.diagnostic()?.retryCount ?? 0;
    if (retries === 0) return;
    const { state, errors = [] } = test.result();
    const first = errors[0]?.message.split('\n')[0] ?? '';
    this.#retried.push(`${test.module.relativeModuleId} > ${test.fullName}: ${state}; at first: ${first}`);
  }

  onTestRunEnd(): void {
    if (this.#retried.length === 0) return;
    console.log(
      `\nRun again: ${this.#retried.length}\n${this.#retried.map((line) => `  ${line}\n`).join('')}`,
    );
  }
}
