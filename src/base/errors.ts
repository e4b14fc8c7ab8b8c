import { oneLine } from './visible.ts';

/** Where an error or finding is: any of a spec path, a file, a byte offset, a physical address, an FDT path. */
export interface Where {
  /** Path in the spec, e.g. `subtrees[0].kexec-metadata.kexec-count`. */
  spec?: string;
  /** File the problem is in. */
  file?: string;
  /** 1-based line in `file`. */
  line?: number;
  /** Byte offset in `file` or in the structure named by `path`. */
  offset?: number;
  /** Physical address. */
  phys?: bigint;
  /** Path of an emitted structure or an FDT node, e.g. `root-fdt/kho_test`. */
  path?: string;
}

/**
 * The closed set of process exit codes.
 * 0 all holds; 1 it ran and the answer is no; 2 bad usage or bad input; 3 could not run; 4 all skipped.
 */
export const ExitCode = { ok: 0, no: 1, badInput: 2, couldNotRun: 3, skipped: 4 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export interface KhoforgeErrorOptions {
  where?: Where;
  /** The way out: what to change or install. */
  hint?: string;
  /** Checks of a build that were broken, by the names that `allow` of a spec takes. */
  checks?: readonly string[];
  exitCode?: ExitCode;
  cause?: unknown;
}

/**
 * Every error that khoforge raises on purpose. Match on `code`, which is stable; the text is for people, and may be
 * shown on a terminal whatever the input holds.
 */
export class KhoforgeError extends Error {
  readonly code: string;
  readonly where: Where;
  readonly hint: string | undefined;
  readonly checks: readonly string[];
  readonly exitCode: ExitCode;

  /**
   * @param code stable upper-case code, e.g. `SPEC_INVALID`
   * @param message one sentence that names the thing and its value, or a line for each thing
   */
  constructor(code: string, message: string | readonly string[], options: KhoforgeErrorOptions = {}) {
    const lines = typeof message === 'string' ? [message] : message;
    super(lines.map(oneLine).join('\n'), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KhoforgeError';
    this.code = code;
    this.where = options.where ?? {};
    this.hint = options.hint;
    this.checks = options.checks ?? [];
    this.exitCode = options.exitCode ?? ExitCode.badInput;
  }
}

/** The error itself, or, of one that nobody raised on purpose, `INTERNAL` with it as `cause`. */
export function asKhoforgeError(error: unknown): KhoforgeError {
  if (error instanceof KhoforgeError) return error;
  return new KhoforgeError('INTERNAL', error instanceof Error ? error.message : String(error), {
    hint: 'this is a bug in khoforge: set KHOFORGE_DEBUG=1 for the stack, and report it',
    exitCode: ExitCode.couldNotRun,
    cause: error,
  });
}
