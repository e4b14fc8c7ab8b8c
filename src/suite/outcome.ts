import { readFileSync } from 'node:fs';
import type { BootResult } from '../boot/boot-image.ts';
import type { Judgement } from '../boot/verdict.ts';
import { consoleLines, message } from '../guest/console.ts';
import { INIT_PREFIX } from '../guest/initrd.ts';
import { NO_INIT, SPEAKERS, TROUBLES } from '../receive/patterns.ts';
import type { Fate, Outcome } from '../specfile/case-schema.ts';

type Judged = Pick<Judgement, 'verdict' | 'reason' | 'refusals' | 'alive'>;

/** Lines that are kept of one boot: a kernel in a loop says the same for ever. */
export const MAX_LINES = 60;

/** What a boot came to, as the catalogue keeps it. @param kernel its release, e.g. `7.3.4` */
export function outcomeOf(boot: BootResult, kernel: string): Outcome {
  return outcomeOfLines(consoleLines(readFileSync(boot.console)).map(message), boot, kernel);
}

/** The same of a console that was judged. @param lines without stamps */
export function outcomeOfLines(lines: readonly string[], judged: Judged, kernel: string): Outcome {
  const user = lines.flatMap((line) =>
    line.startsWith(INIT_PREFIX) ? [line.slice(INIT_PREFIX.length)] : [],
  );
  const seen = user.filter((line) => !/^(?:start |done$)/.test(line));
  return {
    kernel,
    fate: fateOf(judged, seen),
    verdict: judged.verdict,
    reason: judged.reason,
    lines: lines.filter(isAboutIt).slice(0, MAX_LINES),
    ...(user.length > 0 && { user: seen.slice(0, MAX_LINES) }),
  };
}

/** A kernel without an initrd ends for want of an init, whatever it was handed. */
const isAboutIt = (line: string) =>
  SPEAKERS.some((speaker) => speaker.test(line)) ||
  (TROUBLES.some((trouble) => trouble.line.test(line)) && !NO_INIT.test(line));

/** What init says where it asked for something and did not get it. */
const DENIED = /: E[A-Z0-9]+$|^error /;

function fateOf({ verdict, refusals, alive }: Judged, user: readonly string[]): Fate {
  if (verdict === 'rejected') return 'refuses';
  if (verdict === 'ignored') return 'ignores';
  if (verdict === 'revived') {
    const isRefused = refusals.length > 0 || user.some((line) => DENIED.test(line));
    return isRefused ? 'refuses' : 'revives';
  }
  return alive ? 'warns' : 'dies';
}
