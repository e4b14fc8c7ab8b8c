import { constants } from 'node:buffer';
import { KhoforgeError } from '../base/errors.ts';
import type { ByteProgress } from '../base/progress.ts';
import { extractHandover } from '../capture/extract.ts';
import { IMAGE_FILES, writeImageDirectory } from '../formats/directory.ts';
import { native } from '../memory/native.ts';
import { refuseUnread } from '../memory/unread.ts';
import type { Image } from '../model/image.ts';
import { buildImage, buildLoaded } from '../produce/build-image.ts';
import { inspect } from '../receive/decode.ts';
import { verifyImage } from '../receive/verify.ts';
import { buildJson } from '../render/build.ts';
import { captureJson } from '../render/capture.ts';
import { inspectJson } from '../render/inspect.ts';
import { verifyJson } from '../render/verify.ts';
import { openSource } from '../source/open.ts';
import type { OpenedSource } from '../source/opened.ts';
import { loadSpec } from '../specfile/load.ts';
import type {
  BackgroundProgress,
  BuildJob,
  CaptureJob,
  InspectJob,
  Job,
  JobOutput,
  SourceOptions,
  VerifyJob,
} from './job.ts';

export interface JobHooks {
  readonly report: (progress: BackgroundProgress) => void;
  /** Called before the output takes its place; throws when the work was stopped. */
  readonly beforePlacing: () => void;
}

/**
 * Does the work on this thread.
 * @returns the document that the command of that name prints with `--json`
 * @throws KhoforgeError of that work
 */
export function runJob(job: Job, hooks: JobHooks): string {
  const before = native().mapFaults();
  const beforePlacing = () => {
    refuseUnread(before);
    hooks.beforePlacing();
  };
  if (job.kind === 'build') return build(job, { ...hooks, beforePlacing });
  const document = read(job, { ...hooks, beforePlacing });
  if (job.kind !== 'capture') refuseUnread(before);
  return document;
}

function build({ spec, baseDir, output }: BuildJob, hooks: JobHooks): string {
  hooks.report({ stage: 'building' });
  const options = {
    ...(baseDir !== undefined && { baseDir }),
    onProgress: (bytes: ByteProgress) => hooks.report({ stage: 'building', ...bytes }),
  };
  const image = typeof spec === 'string' ? buildLoaded(loadSpec(spec), options) : buildImage(spec, options);
  write(image, output, hooks);
  return joined(buildJson(image, { format: 'dir', output: output.directory, files: IMAGE_FILES }));
}

function read(job: InspectJob | VerifyJob | CaptureJob, hooks: JobHooks): string {
  using opened = open(job.source, job.options, hooks);
  switch (job.kind) {
    case 'inspect':
      return joined(inspectJson(inspect(opened.image), job.source, opened));
    case 'verify': {
      const { receiver, severity } = job;
      const options = { ...(receiver !== undefined && { receiver }), ...(severity && { severity }) };
      return joined(verifyJson(verifyImage(opened.image, options), job.source));
    }
    case 'capture': {
      const image = extractHandover(opened.image, { withContents: job.withContents });
      const inspection = inspect(image);
      write(image, job.output, hooks);
      return joined(captureJson(image, inspection, job.output.directory));
    }
  }
}

function open(source: string, options: SourceOptions, { report }: JobHooks): OpenedSource {
  let scanned = false;
  report({ stage: 'reading' });
  const opened = openSource(source, {
    ...options,
    onScan(bytes) {
      scanned = true;
      report({ stage: 'scanning', ...bytes });
    },
  });
  if (scanned) report({ stage: 'reading' });
  return opened;
}

function write(image: Image, { directory, temporary }: JobOutput, { report, beforePlacing }: JobHooks): void {
  writeImageDirectory(image, directory, {
    temporary,
    onProgress: (bytes) => report({ stage: 'writing', ...bytes }),
    onWritten: beforePlacing,
  });
}

function joined(made: Iterable<string>): string {
  const parts = [...made];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length <= constants.MAX_STRING_LENGTH) return parts.join('');
  throw new KhoforgeError(
    'DOCUMENT_TOO_LONG',
    `the document of ${length} characters is longer than a string`,
    {
      hint: '`khoforge inspect --json` prints it in parts',
    },
  );
}
