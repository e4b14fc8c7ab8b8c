import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { message } from '../guest/console.ts';
import type { RunEnd } from '../guest/events.ts';
import type { Expectations, Verdict } from '../model/image.ts';
import { ConsoleOutcome, Firsts, type Outcome } from '../receive/console.ts';
import { NO_INIT, SHUTDOWN, SLOW_HOST, TROUBLES } from '../receive/patterns.ts';

/** One expectation, and whether it came true. */
export interface Expected {
  /** The verdict, or the text of the line. */
  readonly text: string;
  readonly kind: 'verdict' | 'line' | 'absent';
  readonly ok: boolean;
  /** The verdict that came out, or the line that has the text. */
  readonly found?: string;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** One sentence; quotes the line that decided. */
  readonly reason: string;
  /** The lines that prove use of the handover, without stamps, each kind once. */
  readonly proofs: readonly string[];
  /** The lines that refuse it or a subtree of it, each kind once. */
  readonly refusals: readonly string[];
  /** Signs of a kernel in trouble, in the order they came, each kind once. */
  readonly troubles: readonly { readonly name: string; readonly line: string }[];
  /** Whether the kernel came to the end that it was to come to: whatever it warned of, it went on. */
  readonly alive: boolean;
  readonly expected: readonly Expected[];
}

export interface JudgeOptions {
  /** Whether the guest had an initrd: without one it has to end in a panic for want of an init. */
  readonly initrd: boolean;
  readonly expect?: Expectations;
}

/** A saved log does not say how its run ended. */
type End = RunEnd | { readonly kind: 'unknown' };

/**
 * Judges a saved console log, without knowing how the run ended.
 * @throws KhoforgeError `HOST_TOO_SLOW` (exit code 3)
 */
export function judgeConsole(lines: Iterable<string>, options: JudgeOptions): Judgement {
  const judge = new Judge(options);
  for (const line of lines) judge.line(line);
  return judge.finish({ kind: 'unknown' });
}

/**
 * Takes console lines as they come and says in the end what the kernel made of the handover. Keeps only the first
 * line of each kind, however long the console is.
 */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #console = new ConsoleOutcome();
  readonly #troubles = new Firsts(TROUBLES);
  readonly #expectedLines: Finder[];
  readonly #absentLines: Finder[];
  #noInit: string | undefined;
  #slowHost: string | undefined;
  #shutdown = false;
  #last = '';

  constructor(options: JudgeOptions) {
    this.#options = options;
    this.#expectedLines = (options.expect?.lines ?? []).map((text) => ({ text }));
    this.#absentLines = (options.expect?.absent ?? []).map((text) => ({ text }));
  }

  line(line: string): void {
    const text = message(line);
    if (text.trim() !== '') this.#last = text;
    for (const finder of [...this.#expectedLines, ...this.#absentLines]) {
      if (finder.found === undefined && line.includes(finder.text)) finder.found = line;
    }
    this.#console.line(text);
    if (SHUTDOWN.test(text)) this.#shutdown = true;
    if (SLOW_HOST.test(text)) this.#slowHost ??= text;
    else if (!this.#options.initrd && NO_INIT.test(text)) this.#noInit ??= text;
    else this.#troubles.line(text);
  }

  /**
   * @param lost seconds in which the host had no processor for the guest
   * @throws KhoforgeError `HOST_TOO_SLOW` (exit code 3) where the console speaks of the host, not of the handover
   */
  finish(end: End, lost = 0): Judgement {
    this.#rejectSlowHost(lost);
    const { verdict, reason } = this.#trouble(end) ?? this.#console.outcome();
    const { proofs, refusals } = this.#console;
    const troubles = this.#troubles.found.map(({ pattern: { name }, line }) => ({ name, line }));
    const alive = this.#badEnd(end) === undefined && !troubles.some(({ name }) => DEADLY.has(name));
    return { verdict, reason, proofs, refusals, troubles, alive, expected: this.#expected(verdict) };
  }

  /** A kernel's watchdog counts the host's time. */
  #rejectSlowHost(lost: number): void {
    const [began] = this.#troubles.found;
    const isLockup = began?.pattern.name === 'lockup' && lost >= LOCKUP_SECONDS / 2;
    const line = this.#slowHost ?? (isLockup ? began.line : undefined);
    if (line !== undefined) throw hostTooSlow(`the guest says "${line}"`);
  }

  #trouble(end: End): Outcome | undefined {
    const worst = this.#worstTrouble();
    const why = worst ?? this.#badEnd(end);
    return why === undefined ? undefined : { verdict: 'broken', reason: why };
  }

  /** What is wrong by the console, the worst first; where it began, when that was something else. */
  #worstTrouble(): string | undefined {
    const [began] = this.#troubles.found;
    const worst = [...this.#troubles.found].sort(
      (a, b) => TROUBLES.indexOf(a.pattern) - TROUBLES.indexOf(b.pattern),
    )[0];
    if (!began || !worst) return undefined;
    const since = began === worst ? '' : `; it began with "${began.line}"`;
    return `${worst.pattern.text}: "${worst.line}"${since}`;
  }

  /** What powering off takes of a busy host is not about the handover. */
  #badEnd(end: End): string | undefined {
    if (this.#shutdown && end.kind !== 'flood') return undefined;
    const last = this.#last === '' ? 'nothing on the console' : `the last line was "${this.#last}"`;
    if (end.kind === 'timeout') return `hang: no end within ${end.seconds} s; ${last}`;
    if (end.kind === 'silence') return `hang: nothing on the console within ${end.seconds} s`;
    if (end.kind === 'stalled') return `hang: ${end.seconds} s of processor time without a line; ${last}`;
    if (end.kind === 'flood') return `more than ${end.bytes} bytes on the console; ${last}`;
    if (end.kind === 'exit' && this.#noInit === undefined) {
      return `reset without a message; ${last}`;
    }
    return undefined;
  }

  #expected(verdict: Verdict): Expected[] {
    const { expect } = this.#options;
    if (!expect) return [];
    return [
      { text: expect.verdict, kind: 'verdict', ok: verdict === expect.verdict, found: verdict },
      ...this.#expectedLines.map(
        (finder): Expected => ({ ...finder, kind: 'line', ok: finder.found !== undefined }),
      ),
      ...this.#absentLines.map(
        (finder): Expected => ({ ...finder, kind: 'absent', ok: finder.found === undefined }),
      ),
    ];
  }
}

/** Troubles that no kernel goes on after. */
const DEADLY: ReadonlySet<string> = new Set(['panic', 'halted']);

/** A task that runs so long is one (kernel/watchdog.c: watchdog_thresh, get_softlockup_thresh(), 7.3). */
const LOCKUP_SECONDS = 20;

/** The error for a machine that did not let a guest come to a verdict. */
export const hostTooSlow = (why: string) =>
  new KhoforgeError('HOST_TOO_SLOW', `this machine is too busy for the boot: ${why}`, {
    hint: 'boot it again when less runs beside it',
    exitCode: ExitCode.couldNotRun,
  });

interface Finder {
  readonly text: string;
  found?: string;
}
