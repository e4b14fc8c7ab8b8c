import { rm } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { packageUrl } from '../base/package.ts';
import { aborted } from './aborted.ts';
import type { BackgroundProgress, Job } from './job.ts';
import { errorOfFailure, type Message, type WorkerInput } from './messages.ts';
import { Turn } from './turn.ts';

export interface BackgroundOptions {
  /** Stops the work: it then rejects with the code `ABORTED` and the name `AbortError`. Too late, when the output takes its place already. */
  readonly signal?: AbortSignal | undefined;
  /** Called on the caller's thread, in the order of the work. What it throws stops the work. */
  readonly onProgress?: ((progress: BackgroundProgress) => void) | undefined;
}

/** The worker as it was compiled: the same from `src/` and from `dist/`. */
const WORKER = packageUrl('dist/bundle/worker.js');

/**
 * Does the work on a thread of its own.
 * @returns a document, as `runJob` does
 * @throws KhoforgeError `ABORTED`, `WORKER_FAILED`, or that of the work; then nothing of the output is left
 */
export async function runInWorker(job: Job, { signal, onProgress }: BackgroundOptions): Promise<string> {
  if (signal?.aborted) throw aborted(signal.reason);
  const turn = new Turn();
  const workerData: WorkerInput = { job, turn: turn.shared };
  // Options of node itself, such as --input-type, are about the caller's program.
  const worker = new Worker(WORKER, { workerData, execArgv: [] });
  let onAbort = () => {};
  let stopped = false;
  try {
    return await new Promise<string>((resolve, reject) => {
      const stop = (error: unknown) => {
        if (!turn.take()) return;
        stopped = true;
        reject(error);
      };
      onAbort = () => stop(aborted(signal?.reason));
      signal?.addEventListener('abort', onAbort);
      worker.on('message', (message: Message) => {
        if (message.kind === 'done') resolve(message.document);
        else if (message.kind === 'failed') reject(errorOfFailure(message));
        else tell(onProgress, message.progress, stop);
      });
      worker.on('error', (cause) => reject(ended(cause.message, cause)));
      worker.on('exit', (code) => reject(ended(`it ended with exit code ${code}`)));
    });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    // A call of the addon that runs is waited for.
    await worker.terminate();
    // A worker whose turn it was to put its output in place sees to that itself.
    const isOurs = stopped || turn.take();
    if ('output' in job && isOurs) await rm(job.output.temporary, { recursive: true, force: true });
  }
}

function tell(
  onProgress: BackgroundOptions['onProgress'],
  progress: BackgroundProgress,
  stop: (error: unknown) => void,
): void {
  try {
    onProgress?.(progress);
  } catch (error) {
    stop(error);
  }
}

function ended(text: string, cause?: unknown): KhoforgeError {
  return new KhoforgeError('WORKER_FAILED', `the worker thread failed: ${text}`, {
    hint: 'is there too little memory? NODE_OPTIONS=--max-old-space-size=MEGABYTES gives it more',
    exitCode: ExitCode.couldNotRun,
    cause,
  });
}
