import { readFileSync } from 'node:fs';
import { lostSeconds } from './lost-time.ts';

/** Milliseconds between two looks. */
const PERIOD = 500;
/** A guest that halts for good takes no processor time. */
const IDLE_FACTOR = 4;
/** Ticks of a second in /proc/PID/stat: USER_HZ, 100 on every architecture of ours (proc(5), sysconf(_SC_CLK_TCK)). */
const TICKS = 100;

/**
 * Watches a process that goes on and says nothing. What counts is its processor time, which a busy host does not make
 * longer; of a guest that waits for an interrupt that never comes four times as much of the clock's, without what the host
 * took.
 */
export class StallWatch implements Disposable {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #spent: number;
  #since = performance.now();
  #lost: number;

  /**
   * @param seconds of processor time without an output that are too long
   * @param look calls output() where something was said that nobody has read yet: on a busy host the guest may have run to
   *   its end since the last look
   */
  constructor(pid: number, seconds: number, look: () => void, onStall: () => void) {
    this.#pid = pid;
    this.#spent = processorSeconds(pid) ?? 0;
    this.#lost = lostSeconds(pid);
    this.#timer = setInterval(() => {
      if (!this.#isOver(seconds)) return;
      look();
      if (this.#isOver(seconds)) onStall();
    }, PERIOD).unref();
  }

  #isOver(seconds: number): boolean {
    const spent = (processorSeconds(this.#pid) ?? this.#spent) - this.#spent;
    const lost = lostSeconds(this.#pid) - this.#lost;
    const idle = ((performance.now() - this.#since) / 1000 - lost) / IDLE_FACTOR;
    // Beside a busy guest the clock says nothing.
    return spent > seconds || (idle > seconds && spent < seconds / IDLE_FACTOR);
  }

  /** There was an output. */
  output(): void {
    this.#spent = processorSeconds(this.#pid) ?? this.#spent;
    this.#since = performance.now();
    this.#lost = lostSeconds(this.#pid);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Of all threads, in user and system mode; undefined for a process that is gone. */
function processorSeconds(pid: number): number | undefined {
  try {
    // The name of the program, in parentheses, may have any character in it (proc(5): /proc/PID/stat).
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return undefined;
  }
}
