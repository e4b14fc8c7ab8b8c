import { ExitCode, KhoforgeError } from '../base/errors.ts';

/** @param reason that of the signal */
export function aborted(reason?: unknown): KhoforgeError {
  return new KhoforgeError('ABORTED', 'the work was stopped before it was done', {
    exitCode: ExitCode.couldNotRun,
    cause: reason,
  });
}
