import { createHash } from 'node:crypto';
import type { Difference } from '../suite/prediction.ts';

/**
 * What two differences of one cause have alike: the verdicts, and the first line that differs, without numbers. The
 * name of a folder, and the same on every machine.
 */
export function groupOf({ predicted, actual, foretold, said, check = '' }: Difference): string {
  const cause = [predicted, actual, bare(foretold), bare(said), check];
  return `${predicted}-${actual}-${digest(cause)}`;
}

/** The same for what a sanitizer found. */
export const groupOfFault = (why: string): string => `fault-${digest([why])}`;

/** The same for a bug of khoforge. */
export const groupOfBug = (why: string): string => `bug-${digest([bare(why)])}`;

const digest = (parts: readonly string[]) =>
  createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 8);

/** A path of a spec or a name has numbers too; what is in quotes is of one handover. */
const bare = (line = ''): string =>
  line
    .replace(/'[^']*'|"[^"]*"|\[[^\]]*\]/g, 'NAME')
    .replace(/\+0x[0-9a-f]+\/0x[0-9a-f]+/g, '')
    .replace(/-?\b(?:0x[0-9a-f]+|\d+|[0-9a-f]{8,})\b/g, 'N');
