import { rmSync } from 'node:fs';
import { Coverage, type FileCoverage } from '../coverage/coverage.ts';
import type { CoveredProgram } from '../coverage/program.ts';

/** Boots that say which of the kernel's lines they ran. */
export class Traced {
  /** For the kernel's command line: code is where it was linked. */
  readonly cmdline = 'nokaslr';
  readonly #program: CoveredProgram;
  readonly #coverage: Coverage;

  constructor(program: CoveredProgram) {
    this.#program = program;
    this.#coverage = new Coverage(program);
  }

  /** What `work` comes to, a boot that writes its trace to `path`. */
  async during<T>(
    path: string,
    work: (trace: { readonly ranges: CoveredProgram['ranges']; readonly path: string }) => Promise<T>,
  ): Promise<T> {
    rmSync(path, { force: true });
    try {
      const result = await work({ ranges: this.#program.ranges, path });
      this.#coverage.add(path);
      return result;
    } finally {
      rmSync(path, { force: true });
    }
  }

  get tree(): string {
    return this.#program.tree;
  }

  get files(): readonly FileCoverage[] {
    return this.#coverage.files;
  }
}
