/**
 * Settles between two threads which of them was first: the worker, which then puts its output in place, or the caller,
 * who then stops it. So nothing is stopped while an older image makes room for the new one.
 */
export class Turn {
  readonly shared: SharedArrayBuffer;

  /** @param shared that of the other thread; default: a new one */
  constructor(shared = new SharedArrayBuffer(4)) {
    this.shared = shared;
  }

  /** Whether the caller of this is the first. */
  take(): boolean {
    return Atomics.exchange(new Int32Array(this.shared), 0, 1) === 0;
  }
}
