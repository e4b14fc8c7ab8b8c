import { hex } from '../base/numbers.ts';
import type { SaidFile, SaidSession } from '../first-kernel/said.ts';

/** What a next kernel's user space got of what the first one's made. */
export interface Retrieval {
  readonly made: number;
  /** Files that came back as they were. */
  readonly got: number;
  /** What did not, each in a few words. */
  readonly lost: readonly string[];
}

/** Compares what was retrieved with what was made, file by file. */
export function compareSessions(made: readonly SaidSession[], got: readonly SaidSession[]): Retrieval {
  const results = made.flatMap((session) => sessionResults(session, got));
  const files = made.flatMap(({ files }) => files).length;
  const lost = results.flatMap((result) => result ?? []);
  return { made: files, got: results.filter((result) => result === undefined).length, lost };
}

/** For each file undefined where it came back; for a session that did not come back one text. */
function sessionResults({ name, files }: SaidSession, got: readonly SaidSession[]): (string | undefined)[] {
  const session = got.find((one) => one.name === name);
  if (session === undefined) return [`${name}: no answer`];
  if (session.error !== undefined) return [`${name}: ${session.error}`];
  return files.map((file) => {
    const error = session.errors.find(({ token }) => token === file.token)?.error;
    const found = session.files.find(({ token }) => token === file.token);
    const what = found ? differences(file, found) : (error ?? 'no answer');
    return what === undefined ? undefined : `${name} ${hex(file.token)}: ${what}`;
  });
}

function differences(made: SaidFile, got: SaidFile): string | undefined {
  const other = (['size', 'position', 'seals', 'sha256'] as const).filter((key) => made[key] !== got[key]);
  const texts = other.map((key) =>
    key === 'sha256' ? 'other bytes' : `${key} ${shown(made[key])}, now ${shown(got[key])}`,
  );
  return texts.length === 0 ? undefined : texts.join(', ');
}

const shown = (value: bigint | number): string => (typeof value === 'bigint' ? `${value}` : hex(value));
