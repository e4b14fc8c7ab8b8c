import { beforeSignal } from '../base/signals.ts';

/**
 * Lets a signal, such as that of ^C, end long work early.
 * @param work also prints what was found by then: the process goes when it is done
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  let printed = () => {};
  const end = new Promise<void>((resolve) => {
    printed = resolve;
  });
  using _signals = beforeSignal(async () => {
    stop.abort();
    await end;
  });
  const result = await work(stop.signal);
  printed();
  return result;
}
