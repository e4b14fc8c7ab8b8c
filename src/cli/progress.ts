import { humanSize } from '../base/numbers.ts';
import type { ByteProgress } from '../base/progress.ts';
import { oneLine } from '../base/visible.ts';

/** Milliseconds. */
const PERIOD = 250;

/** Elapsed time and the latest text on one line of a terminal; nothing where stderr is no terminal. */
export class Progress {
  readonly #started = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  #text = '';
  #drawn = 0;

  constructor() {
    if (process.stderr.isTTY) this.#timer = setInterval(() => this.#draw(), PERIOD).unref();
  }

  update(text: string): void {
    this.#text = text;
    // While the event loop stands still, so does the timer.
    if (this.#timer !== undefined && performance.now() - this.#drawn > PERIOD) this.#draw();
  }

  /** @param what what is done to the bytes, e.g. `writing` */
  updateBytes(what: string, { done, total }: ByteProgress): void {
    this.update(`${what}: ${total > 0n ? (done * 100n) / total : 100n} % of ${humanSize(total)}`);
  }

  /** Takes the line away. */
  finish(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    process.stderr.write('\r\x1b[K');
  }

  #draw(): void {
    this.#drawn = performance.now();
    const seconds = Math.floor((performance.now() - this.#started) / 1000);
    // Console text comes from a guest: only what cannot move the cursor is shown, nor takes two columns.
    const text = oneLine(this.#text).replace(/[^\x20-\x7e]/g, '');
    const line = `${seconds} s  ${text}`.slice(0, (process.stderr.columns || 80) - 1);
    process.stderr.write(`\r\x1b[K${line}`);
  }
}

/** Does what takes long, with a line on a terminal that tells how far it is. @param what as in `updateBytes` */
export function withProgress<T>(what: string, work: (onProgress: (bytes: ByteProgress) => void) => T): T {
  const progress = new Progress();
  try {
    return work((bytes) => progress.updateBytes(what, bytes));
  } finally {
    progress.finish();
  }
}
