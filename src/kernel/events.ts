import type { Severity } from '../model/finding.ts';

/**
 * What no line tells that is judged as a console is. `broken`: a kernel warning, or the like. `undefined`: the one or the
 * other, by what is overwritten when. `dies`: the kernel ends here, and prints nothing more but how.
 */
export type Outcome = 'broken' | 'undefined' | 'dies';

export interface ReportDetails {
  readonly where: string;
  readonly text: string;
  /** The kernel's own line on its console. */
  readonly line?: string;
  readonly errno?: string;
  /** Without one the handover goes on. */
  readonly outcome?: Outcome;
  /** Where this receiver is less strict than others. */
  readonly severity?: Severity;
  /** What is not known of the image may change the outcome. */
  readonly uncertain?: boolean;
  /** The kernel prints its line only under a condition that the image does not hold. */
  readonly conditional?: boolean;
}

/** Something that is wrong with the image, or worth knowing. */
export interface FindingEvent extends ReportDetails {
  readonly kind: 'finding';
  /** Its name, such as `fdt-header`. */
  readonly check: string;
  readonly severity: Severity;
}

/** A line on the receiving kernel's console. */
export interface LineEvent {
  readonly kind: 'line';
  readonly line: string;
  /** It is of a kernel warning, and the part of it that does not depend on version and build. */
  readonly warns?: boolean;
}

/** From here on the kernel's lines cannot be predicted. */
export interface UnpredictableEvent {
  readonly kind: 'unpredictable';
  /** The verdict neither. */
  readonly uncertain?: boolean;
}

/** What the kernel said last. */
export interface DeathEvent {
  readonly kind: 'death';
}

/** What happens in a receiving kernel, in its order. */
export type VerifyEvent = FindingEvent | LineEvent | UnpredictableEvent | DeathEvent;

/** One step of the receiving kernel: it yields what happens, and returns what the next step needs. */
export type Stage<Result = void> = Generator<VerifyEvent, Result>;

export const log = (line: string): LineEvent => ({ kind: 'line', line });

export const warn = (line: string): LineEvent => ({ kind: 'line', line, warns: true });

export const UNPREDICTABLE: UnpredictableEvent = { kind: 'unpredictable' };

export const DEATH: DeathEvent = { kind: 'death' };
