import { hex } from '../base/numbers.ts';
import { planLine } from '../guest/initrd.ts';

/** A memfd as init tells of it: when it was made, or when it was retrieved. */
export interface SaidFile {
  readonly token: bigint;
  readonly size: bigint;
  readonly position: bigint;
  /** F_SEAL_*. */
  readonly seals: number;
  readonly sha256: string;
}

/** What could not be made, or not be had. */
export interface SaidError {
  readonly token: bigint;
  /** Name of the error. */
  readonly error: string;
}

export interface SaidSession {
  readonly name: string;
  /** Name of the error, where there is no session. */
  readonly error?: string;
  readonly files: readonly SaidFile[];
  readonly errors: readonly SaidError[];
}

const FILE = /^(?:made|file) (0x\w+) size (\d+) position (-?\d+) seals (\S+) data.* read \d+ sha256 (\w+)$/;
const ERROR = /^(?:preserve|file) (0x\w+): (?!done$)(\w+)$/;

/** A kernel that prints from a thread may print a line once more (docs/boot.md): the same token is the same file. */
class Session {
  error: string | undefined;
  readonly files = new Map<bigint, SaidFile>();
  readonly errors = new Map<bigint, SaidError>();
}

/**
 * Sessions and their files, of what init printed of `session`, `memfd` and `luo`.
 * @param lines of initLines()
 */
export function saidSessions(lines: readonly string[]): SaidSession[] {
  const sessions = new Map<string, Session>();
  let now = new Session();
  for (const line of lines) {
    const [, name, state] = /^session (\S+): (\w+)$/.exec(line) ?? [];
    if (name !== undefined) {
      now = sessions.get(name) ?? new Session();
      now.error = state === 'created' || state === 'retrieved' ? undefined : state;
      sessions.set(name, now);
    }
    const file = fileOf(line);
    if (file) now.files.set(file.token, file);
    const [, token, error] = ERROR.exec(line) ?? [];
    if (token !== undefined && error !== undefined) {
      now.errors.set(BigInt(token), { token: BigInt(token), error });
    }
  }
  return [...sessions].map(([name, { error, files, errors }]) => ({
    name,
    ...(error !== undefined && { error }),
    files: [...files.values()],
    errors: [...errors.values()],
  }));
}

function fileOf(line: string): SaidFile | undefined {
  const [, token, size, position, seals, sha256] = FILE.exec(line) ?? [];
  if (token === undefined || size === undefined || position === undefined || sha256 === undefined) {
    return undefined;
  }
  return {
    token: BigInt(token),
    size: BigInt(size),
    position: BigInt(position),
    seals: Number(seals),
    sha256,
  };
}

/** The plan of a next kernel's init that retrieves what was made. */
export const retrievalPlan = (made: readonly SaidSession[]): string[] =>
  made
    .filter(({ error }) => error === undefined)
    .map(({ name, files }) => planLine('luo', name, ...files.map(({ token }) => hex(token))));
