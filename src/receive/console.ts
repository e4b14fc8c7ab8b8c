import type { Verdict } from '../model/image.ts';
import type { Pattern } from '../model/pattern.ts';
import { NOT_CONFIGURED, PROOFS, REFUSALS, SUBTREE_REFUSALS } from './patterns.ts';

export interface Outcome {
  readonly verdict: Verdict;
  /** One sentence; quotes the line that decided. */
  readonly reason: string;
}

/**
 * What lines of a kernel's console say of a handover that did it no harm. There is no other definition: a real console
 * is judged by it, and the one that `verify` foretells. It keeps only the first line of each kind.
 */
export class ConsoleOutcome {
  readonly #proofs = new Firsts(PROOFS);
  readonly #refusals = new Firsts(REFUSALS);
  readonly #subtreeRefusals = new Firsts(SUBTREE_REFUSALS);
  #notConfigured: string | undefined;

  /** @param text a line without stamps */
  line(text: string): void {
    for (const firsts of [this.#proofs, this.#refusals, this.#subtreeRefusals]) firsts.line(text);
    if (NOT_CONFIGURED.test(text)) this.#notConfigured ??= text;
  }

  /** Lines that prove use of the handover, each kind once. */
  get proofs(): string[] {
    return this.#proofs.lines;
  }

  /** Lines that refuse it or a subtree of it, each kind once. */
  get refusals(): string[] {
    return [...this.#refusals.lines, ...this.#subtreeRefusals.lines];
  }

  outcome(): Outcome {
    const [refusal] = this.#refusals.lines;
    if (refusal !== undefined) return { verdict: 'rejected', reason: `refused: "${refusal}"` };
    const [subtree] = this.#subtreeRefusals.lines;
    const { proofs } = this;
    if (proofs.length >= 2) {
      const but = subtree === undefined ? '' : `; but it refused a subtree: "${subtree}"`;
      return { verdict: 'revived', reason: `${proofs.length} proofs${but}` };
    }
    if (subtree !== undefined) return { verdict: 'rejected', reason: `refused a subtree: "${subtree}"` };
    if (proofs.length === 1) {
      return {
        verdict: 'ignored',
        reason: `found, but nothing proves that it was used: only "${proofs[0]}"`,
      };
    }
    if (this.#notConfigured !== undefined) {
      return { verdict: 'ignored', reason: `this kernel has no KHO: "${this.#notConfigured}"` };
    }
    return { verdict: 'ignored', reason: 'booted without a word on KHO' };
  }
}

/** The first line of each named pattern, in the order they came. */
export class Firsts<P extends Pattern> {
  readonly #patterns: readonly P[];
  readonly found: { readonly pattern: P; readonly line: string }[] = [];

  constructor(patterns: readonly P[]) {
    this.#patterns = patterns;
  }

  get lines(): string[] {
    return this.found.map(({ line }) => line);
  }

  line(text: string): void {
    const match = this.#patterns.find((pattern) => pattern.line.test(text));
    if (match && !this.found.some(({ pattern }) => pattern.name === match.name)) {
      this.found.push({ pattern: match, line: text });
    }
  }
}
