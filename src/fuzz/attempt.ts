import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Document } from 'yaml';
import { asKhoforgeError, ExitCode, KhoforgeError } from '../base/errors.ts';
import { linesRun } from '../coverage/coverage.ts';
import type { CoveredProgram } from '../coverage/program.ts';
import { type Receiver, receiverOf } from '../kernel/receivers.ts';
import type { Verification } from '../model/finding.ts';
import type { Image } from '../model/image.ts';
import { verifyImage } from '../receive/verify.ts';
import type { SimulatedLines } from '../simulator/lines.ts';
import type { SimulatorPool } from '../simulator/process.ts';
import { simulate } from '../simulator/simulate.ts';
import type { Outcome } from '../specfile/case-schema.ts';
import { bootOnce, type OnceOptions } from '../suite/boot-once.ts';
import { isSame } from '../suite/compare.ts';
import type { SuiteKernel } from '../suite/kernel.ts';
import { outcomeOf } from '../suite/outcome.ts';
import { type Difference, differenceOf } from '../suite/prediction.ts';
import { type TracedBoot, tracedBoot } from '../suite/traced.ts';
import type { Base, Setting } from './base.ts';
import type { Mutation } from './mutation.ts';

/** What came of one mutated handover. */
export type Attempt = Ended & {
  /** Lines of the kernel that its first boot ran, where that was asked for. */
  readonly lines?: readonly string[];
};

type Ended =
  /** `open`: what was foretold came, and the rest nobody could tell. */
  | { readonly kind: 'same' | 'open' }
  /** Two boots came to different ends. */
  | { readonly kind: 'flaky' }
  /** There is no such image, or no machine that it boots on; or this one could not boot it. */
  | { readonly kind: 'refused' | 'failed'; readonly code: string; readonly why: string }
  | { readonly kind: 'differs'; readonly difference: Difference; readonly evidence: Evidence }
  /** A sanitizer has found something in the kernel's own code. */
  | { readonly kind: 'fault'; readonly why: string; readonly evidence: Evidence }
  /** khoforge itself is wrong. */
  | { readonly kind: 'bug'; readonly why: string; readonly evidence: Evidence };

/** What a finding is made of. */
export interface Evidence {
  readonly document: Document;
  readonly predicted?: Verification;
  readonly outcome?: Outcome;
  /** Path of the console log. */
  readonly console?: string;
}

export interface AttemptOptions extends OnceOptions {
  /** Where console logs go. */
  readonly folder: string;
  /** Of the kernel's own files, compiled for user space: these are asked, and no kernel boots. */
  readonly simulator?: SimulatorPool | undefined;
  /** Of the kernel: says which of its lines are run. */
  readonly program?: CoveredProgram | undefined;
  /** The same of the simulator. */
  readonly simulatedLines?: SimulatedLines | undefined;
}

/** What keeps every boot from being made. */
const FATAL: ReadonlySet<string> = new Set(['QEMU_MISSING', 'COMPILER_MISSING', 'COMPILER_FAILED']);

/** Asks one kernel of mutated handovers. */
export class Asker {
  readonly #kernel: SuiteKernel;
  readonly #receiver: Receiver;
  readonly #options: AttemptOptions;

  constructor(kernel: SuiteKernel, options: AttemptOptions) {
    this.#kernel = kernel;
    this.#receiver = receiverOf(kernel.release);
    this.#options = options;
  }

  /**
   * Builds, foretells, boots, compares; what differs is booted once more.
   * @param name of its console log
   * @throws KhoforgeError of what keeps every handover from being asked, and `BOOT_ABORTED`
   */
  async ask(base: Base, mutations: readonly Mutation[], name: string): Promise<Attempt> {
    const document = base.document(mutations);
    try {
      const image = base.build(document);
      const { cmdline = '' } = base.setting;
      const predicted = verifyImage(image, { receiver: this.#receiver, cmdline });
      const console = join(this.#options.folder, `${name}.log`);
      return await this.#compare(base.setting, { document, image, predicted, console });
    } catch (error) {
      return this.#without(error, document);
    }
  }

  async #compare(setting: Setting, { image, ...known }: Made): Promise<Attempt> {
    const { simulator } = this.#options;
    if (simulator) return this.#simulated(simulator, image, setting, known);
    const { predicted, console } = known;
    const { outcome, ...lines } = await this.#boot(image, setting, console);
    const difference = differenceOf(predicted, outcome, setting.user !== undefined);
    if (!difference) return { kind: predicted.certain ? 'same' : 'open', ...lines };
    const again = await this.#boot(image, setting, console);
    if (!isSame(outcome, again.outcome)) return { kind: 'flaky', ...lines };
    return { kind: 'differs', difference, evidence: { ...known, outcome }, ...lines };
  }

  /** It comes to the same every time. */
  async #simulated(
    simulator: SimulatorPool,
    image: Image,
    setting: Setting,
    known: Omit<Made, 'image'>,
  ): Promise<Attempt> {
    const { predicted } = known;
    const { outcome, console, faults, ran } = await simulate(simulator, image, setting, this.#kernel.version);
    const { simulatedLines } = this.#options;
    const lines = simulatedLines && { lines: simulatedLines.of(ran) };
    const difference = differenceOf(predicted, outcome, setting.user !== undefined);
    const [why] = faults;
    if (!difference && why === undefined) return { kind: predicted.certain ? 'same' : 'open', ...lines };
    writeFileSync(known.console, console);
    const evidence = { ...known, outcome };
    if (why !== undefined) return { kind: 'fault', why, evidence, ...lines };
    return difference ? { kind: 'differs', difference, evidence, ...lines } : { kind: 'open', ...lines };
  }

  async #boot(image: Image, setting: Setting, logPath: string): Promise<Booted> {
    const { program } = this.#options;
    const boot = async (more: Partial<TracedBoot> = {}) => {
      const booted = await bootOnce(image, this.#kernel, setting, this.#options, { logPath, ...more });
      return outcomeOf(booted, this.#kernel.version);
    };
    if (program === undefined) return { outcome: await boot() };
    const { result, ran } = await tracedBoot(program, this.#kernel, `${logPath}.trace`, boot);
    return { outcome: result, lines: linesRun(program, ran) };
  }

  #without(error: unknown, document: Document): Attempt {
    if (this.#options.signal?.aborted) throw error;
    if (!(error instanceof KhoforgeError))
      return { kind: 'bug', why: asKhoforgeError(error).message, evidence: { document } };
    const { code, message, exitCode } = error;
    if (FATAL.has(code)) throw error;
    if (exitCode === ExitCode.couldNotRun) return { kind: 'failed', code, why: message };
    return { kind: 'refused', code, why: message };
  }
}

interface Booted {
  readonly outcome: Outcome;
  readonly lines?: readonly string[];
}

interface Made extends Evidence {
  readonly image: Image;
  readonly predicted: Verification;
  readonly console: string;
}
