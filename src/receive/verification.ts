import type { FindingEvent, Outcome, VerifyEvent } from '../kernel/events.ts';
import type { Finding, Severity, Verification } from '../model/finding.ts';
import type { Verdict } from '../model/image.ts';

/** Findings of one check that are listed one by one. */
const MAX_LISTED = 20;
const MAX_LINES = 1000;

const RANK: Readonly<Record<Verdict, number>> = { revived: 0, ignored: 1, rejected: 2, broken: 3 };

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
    if (event.kind === 'line') handover.log(event.line);
    else if (event.kind === 'unpredictable') handover.markUnpredictable();
    else {
      findings.add(event, handover.isDead ? null : (event.line ?? null));
      if (event.line !== undefined && !event.conditional) handover.log(event.line);
      if (event.outcome) handover.apply(event.outcome);
      if (event.uncertain) handover.certain = false;
    }
  }
  const { verdict, certain, console } = handover;
  return { receiver, verdict, certain, findings: findings.finish(), console };
}

/** What becomes of the handover, event by event. */
class Handover {
  readonly console: string[] = [];
  verdict: Verdict = 'revived';
  certain = true;
  isDead = false;
  #isPredictable = true;

  /** Keeps a line that the kernel prints, as long as it is sure to get there. */
  log(line: string): void {
    if (this.#isPredictable && this.console.length < MAX_LINES) this.console.push(line);
  }

  markUnpredictable(): void {
    this.#isPredictable = false;
  }

  apply(outcome: Outcome): void {
    if (this.isDead) return;
    const verdict = outcome === 'undefined' || outcome === 'dies' ? 'broken' : outcome;
    if (outcome === 'undefined' && this.verdict !== 'broken') this.certain = false;
    if (RANK[verdict] > RANK[this.verdict]) this.verdict = verdict;
    if (outcome === 'dies') this.isDead = true;
    if (verdict !== outcome) this.markUnpredictable();
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
