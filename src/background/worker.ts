import { parentPort, workerData } from 'node:worker_threads';
import { asKhoforgeError } from '../base/errors.ts';
import { aborted } from './aborted.ts';
import type { BackgroundProgress } from './job.ts';
import { failureOf, type Message, type WorkerInput } from './messages.ts';
import { runJob } from './run-job.ts';
import { Turn } from './turn.ts';

/** Bytes are reported in steps of this part of all: a message for each page would be more work than the page. */
const STEPS = 256n;

const { job, turn }: WorkerInput = workerData;
let reported: BackgroundProgress | undefined;

function say(message: Message): void {
  parentPort?.postMessage(message);
}

function report(progress: BackgroundProgress): void {
  if (reported?.stage === progress.stage && isSmallStep(reported, progress)) return;
  reported = progress;
  say({ kind: 'progress', progress });
}

function isSmallStep(
  { done: before = 0n }: BackgroundProgress,
  { done = 0n, total = 0n }: BackgroundProgress,
) {
  return done < total && (done - before) * STEPS < total;
}

try {
  const beforePlacing = () => {
    if (!new Turn(turn).take()) throw aborted();
  };
  say({ kind: 'done', document: runJob(job, { report, beforePlacing }) });
} catch (error) {
  say(failureOf(asKhoforgeError(error)));
}
