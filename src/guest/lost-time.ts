import { readdirSync, readFileSync } from 'node:fs';

/**
 * Seconds that the thread of a process which waited longest has waited for a processor: the second number of its
 * schedstat, in nanoseconds (Documentation/scheduler/sched-stats.rst, 7.3). 0 where the host's kernel does not count it,
 * or the process is gone.
 */
export function lostSeconds(pid: number): number {
  try {
    const tasks = `/proc/${pid}/task`;
    const waits = readdirSync(tasks).map((task) => {
      const [, wait] = readFileSync(`${tasks}/${task}/schedstat`, 'latin1').split(' ');
      return Number(wait) / 1e9;
    });
    return Math.max(0, ...waits.filter(Number.isFinite));
  } catch {
    return 0;
  }
}

/** How often a limit is granted again. */
const MAX_GRANTS = 4;
/** Of a limit: less than this is not worth another wait. */
const WORTH = 0.05;

export interface Limit {
  cancel(): void;
}

/**
 * A limit of time that a busy host does not use up: what it takes is granted again, up to four times the limit.
 * @param lost seconds that the host has taken so far
 * @param onEnd called once; `slow` when the host took all of that
 */
export function startLimit(seconds: number, lost: () => number, onEnd: (slow: boolean) => void): Limit {
  const most = MAX_GRANTS * seconds;
  let granted = 0;
  const check = () => {
    const more = Math.min(lost(), most) - granted;
    if (more > seconds * WORTH) {
      granted += more;
      timer = setTimeout(check, more * 1000);
    } else onEnd(granted >= most * (1 - WORTH));
  };
  let timer = setTimeout(check, seconds * 1000);
  return { cancel: () => clearTimeout(timer) };
}
