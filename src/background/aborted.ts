import { ExitCode, KhoforgeError } from '../base/errors.ts';

/**
 * Its name is `AbortError`, by which whoever gave a signal tells that this is its doing.
 * @param reason that of the signal
 */
export function aborted(reason?: unknown): KhoforgeError {
  const error = new KhoforgeError('ABORTED', 'the work was stopped before it was done', {
    exitCode: ExitCode.couldNotRun,
    cause: reason,
  });
  error.name = 'AbortError';
  return error;
}
