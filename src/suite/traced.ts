import { rmSync } from 'node:fs';
import { ARCHITECTURES } from '../arch/architectures.ts';
import type { BootOptions } from '../boot/boot-image.ts';
import { addressesIn, Coverage, type FileCoverage } from '../coverage/coverage.ts';
import type { CoveredProgram } from '../coverage/program.ts';
import type { SuiteKernel } from './kernel.ts';

/** The kernel's first line: what unpacks it is done by then. */
const BANNER = 'Linux version ';
/** What a kernel is told that is to run where it is linked. */
export const NO_KASLR = 'nokaslr';

/** What a boot for one program takes beside the case's own. */
export interface TracedBoot extends Pick<BootOptions, 'trace' | 'stopLines' | 'logPath'> {
  readonly cmdline: string;
}

/** Says which lines of a kernel, and of what unpacks it, boots ran: each program takes a boot of its own. */
export class Traced {
  readonly #kernel: SuiteKernel;
  readonly #programs: readonly { readonly program: CoveredProgram; readonly coverage: Coverage }[];

  /** @param programs the kernel's first, of which the outcome is; then its unpacker's */
  constructor(kernel: SuiteKernel, programs: readonly CoveredProgram[]) {
    this.#kernel = kernel;
    this.#programs = programs.map((program) => ({
      program,
      coverage: new Coverage(program, kernel.release),
    }));
  }

  /**
   * Boots once for each program.
   * @param path for a trace, which goes again
   * @returns what the first boot came to
   */
  async boot<T>(path: string, boot: (options: TracedBoot) => Promise<T>): Promise<T> {
    let first: Promise<T> | undefined;
    for (const { program, coverage } of this.#programs) {
      const run = tracedBoot(program, this.#kernel, path, boot);
      first ??= run.then(({ result }) => result);
      coverage.add((await run).ran);
    }
    if (first === undefined) throw new RangeError('no program');
    return first;
  }

  get tree(): string {
    return this.#programs[0]?.program.tree ?? '';
  }

  get files(): readonly FileCoverage[] {
    return this.#programs.flatMap(({ coverage }) => coverage.files);
  }
}

/**
 * Boots once with a trace of a program.
 * @param path for the trace, which goes again
 * @returns `ran`: its instructions, as they are linked
 */
export async function tracedBoot<T>(
  program: CoveredProgram,
  kernel: SuiteKernel,
  path: string,
  boot: (options: TracedBoot) => Promise<T>,
): Promise<{ readonly result: T; readonly ran: ReadonlySet<bigint> }> {
  rmSync(path, { force: true });
  let moved = 0n;
  try {
    const result = await boot({
      ...(program.unpackerEnd === undefined
        ? { cmdline: NO_KASLR }
        : { cmdline: '', stopLines: [BANNER], logPath: `${path}.log` }),
      trace: ({ segments }) => {
        moved = howFar(program, kernel, segments.find(({ name }) => name === 'kernel')?.start ?? 0n);
        const ranges = program.ranges.map(({ start, end }) => ({ start: start + moved, end: end + moved }));
        return { path, ranges };
      },
    });
    return { result, ran: addressesIn(path, moved) };
  } finally {
    rmSync(path, { force: true });
  }
}

function howFar({ unpackerEnd }: CoveredProgram, { arch, bytes }: SuiteKernel, loaded: bigint): bigint {
  const { unpackerAddress } = ARCHITECTURES[arch];
  if (unpackerEnd === undefined || unpackerAddress === undefined) return 0n;
  return unpackerAddress(bytes, loaded, unpackerEnd);
}
