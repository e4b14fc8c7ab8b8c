import { pathText, type SpecPath } from './spec-path.ts';
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

/** One of several things that an error names. */
export interface ErrorLine {
  readonly text: string;
  /** The part of the spec that it is about. */
  readonly specPath?: SpecPath | undefined;
}

export interface KhoforgeErrorOptions {
  where?: Where;
  /** The part of the spec that it is about, of which `where.spec` is the text. */
  specPath?: SpecPath | undefined;
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
  /** The lines of the message, and what part of the spec each is about. */
  readonly lines: readonly ErrorLine[];

  /**
   * @param code stable upper-case code, e.g. `SPEC_INVALID`
   * @param message one sentence that names the thing and its value, or a line for each thing
   */
  constructor(code: string, message: string | readonly ErrorLine[], options: KhoforgeErrorOptions = {}) {
    const { specPath } = options;
    const lines = typeof message === 'string' ? [{ text: message, specPath }] : message;
    super(
      lines.map(({ text }) => oneLine(text)).join('\n'),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'KhoforgeError';
    this.code = code;
    this.lines = lines;
    const path = specPath ?? lines.find((line) => line.specPath)?.specPath;
    this.where = { ...(path && { spec: pathText(path) }), ...options.where };
    this.hint = options.hint;
    this.checks = options.checks ?? [];
    this.exitCode = options.exitCode ?? ExitCode.badInput;
  }
}

/**
 * Does what a part of a spec asks for. An error that names no part of the spec is then about this one.
 * @throws KhoforgeError of `body`
 */
export function withinSpec<T>(specPath: SpecPath, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof KhoforgeError)) throw error;
    if (error.where.spec !== undefined || error.lines.some((line) => line.specPath)) throw error;
    throw changed(
      error,
      error.lines.map(({ text }) => ({ text, specPath })),
      error.where,
    );
  }
}

/** The same error with other lines and another place. */
export function changed(error: KhoforgeError, lines: readonly ErrorLine[], where: Where): KhoforgeError {
  const { code, hint, checks, exitCode, cause } = error;
  return new KhoforgeError(code, lines, {
    where,
    checks,
    exitCode,
    cause: cause ?? error,
    ...(hint !== undefined && { hint }),
  });
}

/**
 * The error itself; of what `node --permission` forbids `PERMISSION_DENIED`, and of one that nobody raised on purpose
 * `INTERNAL`, with it as `cause`.
 */
export function asKhoforgeError(error: unknown): KhoforgeError {
  if (error instanceof KhoforgeError) return error;
  const denied = deniedByNode(error);
  if (denied !== undefined) return denied;
  return new KhoforgeError('INTERNAL', error instanceof Error ? error.message : String(error), {
    hint: 'this is a bug in khoforge: set KHOFORGE_DEBUG=1 for the stack, and report it',
    exitCode: ExitCode.couldNotRun,
    cause: error,
  });
}

/** The option of node that allows what its permission model forbids (Node 20, doc/api/permissions.md). */
const ALLOWS: Readonly<Record<string, string>> = {
  ChildProcess: '--allow-child-process',
  WorkerThreads: '--allow-worker',
  FileSystemRead: '--allow-fs-read',
  FileSystemWrite: '--allow-fs-write',
};

function deniedByNode(error: unknown): KhoforgeError | undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'ERR_ACCESS_DENIED')) return undefined;
  const permission = 'permission' in error ? String(error.permission) : '';
  const resource = 'resource' in error && error.resource ? ` (${error.resource})` : '';
  return new KhoforgeError('PERMISSION_DENIED', `node --permission forbids ${permission}${resource}`, {
    hint: `${ALLOWS[permission] ?? 'an --allow option'} of node allows it`,
    exitCode: ExitCode.couldNotRun,
    cause: error,
  });
}

/** What the operating system said, without the stack. */
export function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
