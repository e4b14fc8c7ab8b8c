const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What was begun and has not ended: none of them may end the process under another. */
let undoing = 0;

/**
 * Has `undo` done before one of SIGINT, SIGTERM and SIGHUP ends this process; a second one ends it at once. For what
 * can only be undone here, and while the event loop turns; all else goes by src/base/cleanup.ts.
 */
export function beforeSignal(undo: () => void | Promise<void>): Disposable {
  const handlers = SIGNALS.map((name) => {
    const onSignal = () => {
      remove();
      undoing++;
      void Promise.resolve(undo()).finally(() => {
        undoing--;
        // Where the program has a handler of its own, it decides.
        if (undoing === 0 && process.listenerCount(name) === 0) process.kill(process.pid, name);
      });
    };
    process.on(name, onSignal);
    return { name, onSignal };
  });
  const remove = () => {
    for (const { name, onSignal } of handlers) process.off(name, onSignal);
  };
  return { [Symbol.dispose]: remove };
}
