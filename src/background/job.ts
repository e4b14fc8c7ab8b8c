import type { ByteProgress } from '../base/progress.ts';
import type { VerifyOptions } from '../receive/verify.ts';
import type { OpenOptions } from '../source/opened.ts';
import type { Spec } from '../specfile/schema.ts';

/** How a source is opened, without what cannot go to another thread. */
export type SourceOptions = Omit<OpenOptions, 'generation' | 'onScan'>;

/** An image directory that is to be written. */
export interface JobOutput {
  readonly directory: string;
  /** Where it is written first; the caller removes it when the work fails or is stopped. */
  readonly temporary: string;
}

export interface BuildJob {
  readonly kind: 'build';
  /** The spec, or the path of its YAML file. */
  readonly spec: Spec | string;
  readonly baseDir?: string;
  readonly output: JobOutput;
}

export interface InspectJob {
  readonly kind: 'inspect';
  readonly source: string;
  readonly options: SourceOptions;
}

export interface VerifyJob {
  readonly kind: 'verify';
  readonly source: string;
  readonly options: SourceOptions;
  readonly receiver?: string;
  readonly severity?: NonNullable<VerifyOptions['severity']>;
}

export interface CaptureJob {
  readonly kind: 'capture';
  readonly source: string;
  readonly options: SourceOptions;
  readonly withContents: boolean;
  readonly output: JobOutput;
}

/** What a worker is to do: all of it can be cloned. */
export type Job = BuildJob | InspectJob | VerifyJob | CaptureJob;

/**
 * What is being done. `reading` a source and what it holds; `scanning` a dump for the handover; `building` an image in
 * memory; `writing` it.
 */
export type Stage = 'reading' | 'scanning' | 'building' | 'writing';

/**
 * How far the work is. `scanning` and `writing` come with bytes, and `building` where contents have a checksum; `done` is
 * `total` at their end.
 */
export interface BackgroundProgress extends Partial<ByteProgress> {
  readonly stage: Stage;
}
