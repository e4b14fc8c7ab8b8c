import type { FindingEvent, Outcome, VerifyEvent } from '../kernel/events.ts';
import type { Finding, Severity, Verification } from '../model/finding.ts';
import type { Verdict } from '../model/image.ts';
import { ConsoleOutcome } from './console.ts';
import { TROUBLES } from './patterns.ts';

/** Findings of one check that are listed one by one. */
const MAX_LISTED = 20;
const MAX_LINES = 1000;

/**
 * Makes findings, console and verdict of what happens in a receiving kernel.
 * @param receiver its release
 * @param severities other than the checks' own
 */
export function verificationOf(
  events: Iterable<VerifyEvent>,
  receiver: string,
  severities: ReadonlyMap<string, Severity> = new Map(),
): Verification {
  const handover = new Handover();
  const findings = new Findings(severities);
  for (const event of events) {
    if (event.kind === 'line') {
      handover.log(event.line);
      if (event.warns) handover.apply('broken');
    } else if (event.kind === 'unpredictable') {
      handover.end('open');
      if (event.uncertain) handover.certain = false;
    } else if (event.kind === 'death') handover.apply('dies');
    else {
      findings.add(event, handover.ends === 'dies' ? null : (event.line ?? null));
      if (event.line !== undefined && !event.conditional) handover.log(event.line);
      if (event.outcome) handover.apply(event.outcome);
      if (event.uncertain) handover.certain = false;
    }
  }
  const { verdict, certain, ends, console } = handover;
  return { receiver, verdict, certain, findings: findings.finish(), console, ends };
}

/** What becomes of the handover, event by event. */
class Handover {
  readonly console: string[] = [];
  readonly #outcome = new ConsoleOutcome();
  certain = true;
  ends: Verification['ends'] = 'boots';
  #isBroken = false;

  /** Keeps a line that the kernel prints, as long as it is sure to get there. */
  log(line: string): void {
    if (this.ends !== 'boots') return;
    // What an image holds is printed as it is: one with a line feed in it is two lines.
    for (const part of line.split('\n')) {
      this.#outcome.line(part);
      if (TROUBLES.some((trouble) => trouble.line.test(part))) this.#isBroken = true;
      if (this.console.length < MAX_LINES) this.console.push(part);
    }
  }

  end(ends: Exclude<Verification['ends'], 'boots'>): void {
    if (this.ends === 'boots') this.ends = ends;
  }

  apply(outcome: Outcome): void {
    if (this.ends === 'dies') return;
    if (outcome === 'undefined' && !this.#isBroken) this.certain = false;
    this.#isBroken = true;
    if (outcome !== 'broken') this.end(outcome === 'dies' ? 'dies' : 'open');
  }

  /** Where not all lines are known, what is missing are the proofs. */
  get verdict(): Verdict {
    if (this.#isBroken) return 'broken';
    const { verdict } = this.#outcome.outcome();
    return this.ends === 'open' && verdict === 'ignored' ? 'revived' : verdict;
  }
}

/** The first findings of each check, and how many there were of the others. */
class Findings {
  readonly #severities: ReadonlyMap<string, Severity>;
  readonly #listed: Finding[] = [];
  readonly #counts = new Map<string, number>();

  constructor(severities: ReadonlyMap<string, Severity>) {
    this.#severities = severities;
  }

  add(event: FindingEvent, kernel: string | null): void {
    const { check, where, text, errno } = event;
    const count = (this.#counts.get(check) ?? 0) + 1;
    this.#counts.set(check, count);
    if (count > MAX_LISTED) return;
    const severity = this.#severities.get(check) ?? event.severity;
    this.#listed.push({ check, severity, text, where, kernel, errno: errno ?? null });
  }

  finish(): readonly Finding[] {
    const suppressed = [...this.#counts].filter(([, count]) => count > MAX_LISTED);
    const summaries = suppressed.flatMap(([check, count]): Finding[] => {
      const first = this.#listed.find((finding) => finding.check === check);
      return first ? [{ ...first, text: `and ${count - MAX_LISTED} more`, kernel: null, errno: null }] : [];
    });
    return [...this.#listed, ...summaries];
  }
}
