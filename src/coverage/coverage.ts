import { readInput } from '../base/files.ts';
import type { CoveredFile, CoveredProgram } from './program.ts';
import { reasonsFor } from './reasons.ts';

/** How often lines of a kernel's code were run. */
export interface FileCoverage extends CoveredFile {
  /** By line, how many boots ran it: 0 for one that none did. */
  readonly boots: ReadonlyMap<number, number>;
  /** By line, why no handover reaches it, where that is known. */
  readonly reasons: ReadonlyMap<number, string>;
}

/** What boots ran of the code that receives a handover. */
export class Coverage {
  readonly #program: CoveredProgram;
  readonly #release: string;
  /** By address, how many boots ran the instruction there. */
  readonly #run = new Map<bigint, number>();

  /** @param release of the kernel, whose code is known */
  constructor(program: CoveredProgram, release: string) {
    this.#program = program;
    this.#release = release;
  }

  /**
   * Adds what a boot ran.
   * @param trace file that QEMU wrote: see traceArguments()
   * @param moved how far the program ran from where it is linked
   */
  add(trace: string, moved = 0n): void {
    for (const ran of addressesOf(Buffer.from(readInput(trace)).toString('latin1'))) {
      const address = ran - moved;
      this.#run.set(address, (this.#run.get(address) ?? 0) + 1);
    }
  }

  get files(): FileCoverage[] {
    return this.#program.files.map((file) => ({
      ...file,
      boots: this.#boots(file),
      reasons: reasonsFor(this.#release, file.path, file.functions),
    }));
  }

  #boots({ lines }: CoveredFile): Map<number, number> {
    const count = (places: readonly bigint[]) =>
      Math.max(...places.map((place) => this.#run.get(place) ?? 0));
    return new Map([...lines].map(([line, places]) => [line, count(places)]));
  }
}

/** `0xffffffff8101f000:  55   pushq %rbp`, for each instruction of a block. */
function addressesOf(text: string): Set<bigint> {
  return new Set([...text.matchAll(/^0x([0-9a-f]+):/gm)].map(([, address = '']) => BigInt(`0x${address}`)));
}
