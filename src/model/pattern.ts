/** A console line that means something, matched without its printk stamp. */
export interface Pattern {
  /** Stable name; two lines with one name count once. */
  readonly name: string;
  readonly line: RegExp;
}
