import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KhoforgeError } from '../base/errors.ts';
import { type CoveredProgram, readProgram } from '../coverage/program.ts';
import { lcov } from '../render/lcov.ts';
import type { SuiteKernel } from '../suite/kernel.ts';
import { Traced } from '../suite/traced.ts';
import { genhtml } from '../toolchain/genhtml.ts';
import { say } from './print.ts';

export interface CoverageFlags {
  coverage?: boolean;
  vmlinux?: string[];
  source?: string;
  output?: string;
  resume?: boolean;
  record?: boolean;
}

/** @throws KhoforgeError `USAGE`, and of readProgram() */
export async function openCoverage(
  kernel: SuiteKernel,
  { coverage, vmlinux = [], source, ...flags }: CoverageFlags,
): Promise<Traced | undefined> {
  if (!coverage) {
    if (vmlinux.length === 0 && source === undefined) return undefined;
    throw new KhoforgeError('USAGE', '--vmlinux and --source are for --coverage', { hint: 'add --coverage' });
  }
  if (vmlinux.length === 0)
    throw new KhoforgeError('USAGE', '--coverage needs the lines of the kernel', {
      hint: 'add --vmlinux FILE: the one beside the bzImage, with debug information',
    });
  if (flags.resume || flags.record)
    throw new KhoforgeError('USAGE', '--coverage boots every case, and boots otherwise than usual', {
      hint: 'leave out --resume and --record',
    });
  const programs = [];
  for (const file of vmlinux) programs.push(await readProgram(file, source));
  const isUnpacker = ({ unpackerEnd }: CoveredProgram) => unpackerEnd !== undefined;
  const [first, ...others] = programs;
  if (first === undefined || isUnpacker(first) || !others.every(isUnpacker))
    throw new KhoforgeError('USAGE', '--vmlinux names the kernel, and then what unpacks it', {
      hint: '--vmlinux linux/vmlinux --vmlinux linux/arch/x86/boot/compressed/vmlinux',
    });
  return new Traced(kernel, programs);
}

/** Writes what lcov reads, and its pages where they can be made, into the folder of the run. */
export function writeCoverage({ tree, files }: Traced, folder: string): void {
  const tracefile = join(folder, 'coverage.info');
  writeFileSync(tracefile, lcov(tree, files));
  const pages = join(folder, 'coverage');
  try {
    genhtml(tracefile, tree, pages);
    say(`note: coverage is in ${tracefile}, for people in ${join(pages, 'index.html')}`);
  } catch (error) {
    if (!(error instanceof KhoforgeError)) throw error;
    say(`note: coverage is in ${tracefile}; ${error.message}${error.hint ? `: ${error.hint}` : ''}`);
  }
}
