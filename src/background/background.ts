import { randomUUID } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import type { BuildOptions } from '../produce/build-image.ts';
import type { VerifyOptions } from '../receive/verify.ts';
import type { Spec } from '../specfile/schema.ts';
import type { JobOutput, SourceOptions } from './job.ts';
import { type BackgroundOptions, runInWorker } from './run.ts';

// Each of these does on a thread of its own what the command of that name does, and gives the text of the document
// that it prints with --json: what the documents are made from cannot go from thread to thread.

/**
 * Builds an image and writes it as a directory.
 * @param spec a spec, or the path of its YAML file
 * @param directory an older image there is replaced, at the end
 * @throws KhoforgeError `ABORTED`, `WORKER_FAILED`, or one of loadSpec(), buildImage() and writeImageDirectory()
 */
export function buildInBackground(
  spec: Spec | string,
  directory: string,
  { signal, onProgress, ...options }: BackgroundOptions & Pick<BuildOptions, 'baseDir'> = {},
): Promise<string> {
  const job = { kind: 'build', spec, ...options, output: outputAt(directory) } as const;
  return runInWorker(job, { signal, onProgress });
}

/**
 * Opens a source and decodes what it holds.
 * @throws KhoforgeError `ABORTED`, `WORKER_FAILED`, `DOCUMENT_TOO_LONG`, `SOURCE_SHRANK`, or one of openSource()
 */
export function inspectInBackground(
  source: string,
  { signal, onProgress, ...options }: BackgroundOptions & SourceOptions = {},
): Promise<string> {
  return runInWorker({ kind: 'inspect', source, options }, { signal, onProgress });
}

/** What `verifyInBackground` takes. */
export interface BackgroundVerifyOptions extends BackgroundOptions, SourceOptions {
  /** Release or generation of the receiving kernel; default: the newest that takes such images. */
  readonly receiver?: string;
  /** Severities other than the checks' own. */
  readonly severity?: NonNullable<VerifyOptions['severity']>;
}

/**
 * Opens a source and checks it as a receiving kernel does.
 * @throws KhoforgeError `ABORTED`, `WORKER_FAILED`, `SOURCE_SHRANK`, or one of openSource() and verifyImage()
 */
export function verifyInBackground(
  source: string,
  { signal, onProgress, receiver, severity, ...options }: BackgroundVerifyOptions = {},
): Promise<string> {
  const named = { ...(receiver !== undefined && { receiver }), ...(severity && { severity }) };
  return runInWorker({ kind: 'verify', source, options, ...named }, { signal, onProgress });
}

/** What `captureInBackground` takes. */
export interface BackgroundCaptureOptions extends BackgroundOptions, SourceOptions {
  /** Also what the preserved folios hold. */
  readonly withContents?: boolean;
}

/**
 * Takes just the handover out of a source and writes it as an image directory. Unlike the command's, a capture that is
 * stopped begins anew.
 * @param directory an older image there is replaced, at the end
 * @throws KhoforgeError `ABORTED`, `WORKER_FAILED`, `SOURCE_SHRANK`, or one of openSource() and writeImageDirectory()
 */
export function captureInBackground(
  source: string,
  directory: string,
  { signal, onProgress, withContents = false, ...options }: BackgroundCaptureOptions = {},
): Promise<string> {
  const job = { kind: 'capture', source, options, withContents, output: outputAt(directory) } as const;
  return runInWorker(job, { signal, onProgress });
}

/** A worker that is stopped cannot clean up: whoever stops it knows where it writes. */
function outputAt(directory: string): JobOutput {
  const path = resolve(directory);
  return { directory, temporary: join(dirname(path), `.${basename(path)}.${randomUUID()}`) };
}
