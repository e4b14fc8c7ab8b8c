/** How far long work is. */
export interface ByteProgress {
  /** Bytes. */
  readonly done: bigint;
  /** Bytes; `done` is this at the end. */
  readonly total: bigint;
}
