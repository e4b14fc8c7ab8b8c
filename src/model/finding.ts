import type { Verdict } from './image.ts';

export type Severity = 'error' | 'warning' | 'note';

/** One thing that is wrong with an image, or worth knowing. */
export interface Finding {
  /** Name of the check, such as `fdt-header`; docs/verify.md lists them. */
  readonly check: string;
  readonly severity: Severity;
  /** What is wrong, with its values, and what the receiver does with it. */
  readonly text: string;
  /** Path of the structure, e.g. `root-fdt/kho_test`, `scratch[1]`, or a physical address. */
  readonly where: string;
  /** The receiving kernel's own console line, without stamps; null when it says nothing. */
  readonly kernel: string | null;
  /** What the kernel's function returns, e.g. `-EINVAL`; null when it returns nothing of the kind. */
  readonly errno: string | null;
}

export interface Verification {
  /** Release whose behaviour was predicted, e.g. `7.3`. */
  readonly receiver: string;
  /**
   * What becomes of the handover, by the lines of its console as `boot` judges them. `broken` also stands for an outcome
   * that is not defined, as where memory is read that may be overwritten by then: the finding says what can happen.
   */
  readonly verdict: Verdict;
  /** False where the verdict may turn out otherwise; the lines of `console` are said all the same. */
  readonly certain: boolean;
  /** In the order in which the kernel comes to them; at most 20 of one check. */
  readonly findings: readonly Finding[];
  /**
   * What the kernel is sure to print about this handover, in its order, with debugfs and the self-test configured. Of a
   * line that depends on the build it is the part that does not.
   */
  readonly console: readonly string[];
  /** What comes after those lines: nothing about the handover; how the kernel dies; what nobody can tell. */
  readonly ends: 'boots' | 'dies' | 'open';
}
