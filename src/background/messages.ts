import { type ExitCode, KhoforgeError, type Where } from '../base/errors.ts';
import type { BackgroundProgress, Job } from './job.ts';

/** `workerData` of a worker. */
export interface WorkerInput {
  readonly job: Job;
  /** Of a `Turn`. */
  readonly turn: SharedArrayBuffer;
}

/** A KhoforgeError as it goes from thread to thread, where its class does not. */
export interface Failure {
  readonly kind: 'failed';
  readonly code: string;
  readonly message: string;
  readonly where: Where;
  readonly hint: string | undefined;
  readonly checks: readonly string[];
  readonly exitCode: ExitCode;
  readonly stack: string | undefined;
}

/** What a worker says: progress any number of times, then one of the others. */
export type Message =
  | { readonly kind: 'progress'; readonly progress: BackgroundProgress }
  | { readonly kind: 'done'; readonly document: string }
  | Failure;

export function failureOf(error: KhoforgeError): Failure {
  const { code, message, where, hint, checks, exitCode, cause } = error;
  // Of an error that nobody raised on purpose, what led to it.
  const stack = cause instanceof Error ? cause.stack : error.stack;
  return { kind: 'failed', code, message, where, hint, checks, exitCode, stack };
}

export function errorOfFailure({
  code,
  message,
  where,
  hint,
  checks,
  exitCode,
  stack,
}: Failure): KhoforgeError {
  const error = new KhoforgeError(code, message, {
    where,
    checks,
    exitCode,
    ...(hint !== undefined && { hint }),
  });
  if (stack !== undefined) error.stack = stack;
  return error;
}
