import { KhoforgeError } from '../src/base/errors.ts';

/** The KhoforgeError that a call throws; any other error goes through. */
export function errorOf(run: () => unknown): KhoforgeError {
  try {
    run();
  } catch (error) {
    if (error instanceof KhoforgeError) return error;
    throw error;
  }
  throw new Error('no error was thrown');
}

/** The code of the KhoforgeError that a call throws; `none` when it throws nothing. */
export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof KhoforgeError) return error.code;
    throw error;
  }
  return 'none';
}
