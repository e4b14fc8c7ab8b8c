import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../base/cleanup.ts';
import { codeOfFiles, type LineCode } from '../coverage/line-table.ts';
import { readProgram } from '../coverage/program.ts';

/** Which lines of a tree's code that receives its compiled files ran: those at which a block of code begins. */
export class SimulatedLines {
  readonly #code: readonly LineCode[];
  readonly #receiving: ReadonlySet<string>;

  private constructor(code: readonly LineCode[], receiving: ReadonlySet<string>) {
    this.#code = code;
    this.#receiving = receiving;
  }

  /** @throws KhoforgeError of readProgram() */
  static async read(program: Uint8Array, tree: string): Promise<SimulatedLines> {
    using folder = temporaryFolder('simulator-lines');
    const file = join(folder.path, 'simulator');
    writeFileSync(file, program);
    const { files } = await readProgram(file, tree);
    const receiving = files.flatMap(({ path, lines }) => [...lines.keys()].map((line) => `${path}:${line}`));
    const paths = files.map(({ path }) => path);
    const code = await codeOfFiles(file, (name) => paths.find((path) => name.endsWith(path)));
    return new SimulatedLines(
      code.sort((a, b) => (a.start < b.start ? -1 : 1)),
      new Set(receiving),
    );
  }

  /** @param ran addresses behind the call that a block begins with */
  of(ran: readonly number[]): string[] {
    const names = new Set(ran.map((address) => this.#nameAt(BigInt(address) - 1n)));
    return [...names].filter((name) => this.#receiving.has(name));
  }

  #nameAt(address: bigint): string {
    let [low, high] = [0, this.#code.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#code[middle]?.start ?? 0n) <= address) low = middle + 1;
      else high = middle;
    }
    const one = this.#code[low - 1];
    return one && address < one.end ? `${one.file}:${one.line}` : '';
  }
}
