import { readKernelFile } from '../arch/kernel-file.ts';
import { readInput } from '../base/files.ts';
import type { BootOptions } from '../boot/boot-image.ts';
import { type Produced, produceHandover } from '../first-kernel/produce.ts';
import { consoleLines, passedOn } from '../guest/console.ts';
import { planLine } from '../guest/initrd.ts';
import { TEST, testProgram } from './initrd.ts';
import { type KselftestResult, programOutput, runKselftest } from './run.ts';

export interface TwoStageOptions {
  /** Path of the kernel that the first stage runs on. */
  readonly stage1: string;
  /** Path of the kernel that it jumps into. */
  readonly stage2: string;
  /** Path of the static program of the second stage, and of the first where no other is given. */
  readonly test: string;
  readonly test1?: string;
  /** Arguments of the stages. */
  readonly args1: readonly string[];
  readonly args: readonly string[];
  /** More kernel command line, of both kernels. */
  readonly cmdline?: string;
  /** Compiler, as in `--cc`. */
  readonly cc?: string;
  /** Seconds for each stage. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: BootOptions['onEvent'];
}

export interface TwoStageResult {
  /** The first kernel, and how far it came. */
  readonly first: Pick<Produced, 'steps' | 'kernel' | 'seconds'>;
  /** What the first stage printed. */
  readonly output: readonly string[];
  /** The second stage; undefined where nothing was handed over. */
  readonly second: KselftestResult | undefined;
}

/**
 * Runs a selftest of the kernel across a jump: its first stage on one kernel, its second on another.
 * @throws KhoforgeError of testProgram(), produceHandover() and runKselftest()
 */
export function runTwoStages(options: TwoStageOptions): Promise<TwoStageResult> {
  const { stage1, stage2, test, test1 = test, args1, args, cmdline = '', cc, timeout, signal } = options;
  const { arch } = readKernelFile(readInput(stage1), stage1);
  const program = testProgram({ test: test1, args: args1, arch });
  testProgram({ test, args, arch });
  const common = {
    ...(cc !== undefined && { cc }),
    ...(timeout !== undefined && { timeout }),
    ...(signal && { signal }),
    ...(options.onEvent && { onEvent: options.onEvent }),
  };
  const stage = {
    plan: [planLine('run', TEST, ...args1)],
    files: { [TEST]: program },
    cmdline: 'liveupdate=on',
  };
  return produceHandover({ ...common, kernel: stage1, stage, cmdline }, async (produced) => {
    const { steps, kernel, seconds, image } = produced;
    const { output } = programOutput(consoleLines(produced.console).map(passedOn));
    const second = image && (await runKselftest(image, { ...common, kernel: stage2, test, args, cmdline }));
    return { first: { steps, kernel, seconds }, output, second };
  });
}
