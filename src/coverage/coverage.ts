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

  /** Adds what a boot ran: see addressesIn(). */
  add(ran: ReadonlySet<bigint>): void {
    for (const address of ran) this.#run.set(address, (this.#run.get(address) ?? 0) + 1);
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

/**
 * The instructions that a boot ran, as they are linked.
 * @param trace file that QEMU wrote, with `0xffffffff8101f000:  55   pushq %rbp` for each of a block: traceArguments()
 * @param moved how far the program ran from where it is linked
 */
export function addressesIn(trace: string, moved = 0n): Set<bigint> {
  const text = Buffer.from(readInput(trace)).toString('latin1');
  const found = text.matchAll(/^0x([0-9a-f]+):/gm);
  return new Set([...found].map(([, address = '']) => BigInt(`0x${address}`) - moved));
}

/** The lines that a boot ran, such as `mm/memfd_luo.c:310`. @param ran of addressesIn() */
export function linesRun({ files }: CoveredProgram, ran: ReadonlySet<bigint>): string[] {
  return files.flatMap(({ path, lines }) =>
    [...lines].flatMap(([line, places]) => (places.some((one) => ran.has(one)) ? [`${path}:${line}`] : [])),
  );
}

/** How many lines of a program receive. */
export const lineCount = ({ files }: CoveredProgram): number =>
  files.reduce((sum, { lines }) => sum + lines.size, 0);
