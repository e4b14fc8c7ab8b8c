import { KhoforgeError } from '../base/errors.ts';
import { readInput } from '../base/files.ts';
import { type CoveredProgram, readProgram } from '../coverage/program.ts';
import { SimulatedLines } from '../simulator/lines.ts';
import type { SuiteKernel } from '../suite/kernel.ts';
import { sha256 } from '../suite/run-log.ts';
import type { Shard } from '../suite/shard.ts';

/** What says which lines of the kernel runs reach. */
export interface LineFlags {
  guided?: boolean;
  coverage?: boolean;
  tree?: string;
  vmlinux?: string;
  source?: string;
  shard: Shard;
}

/** @throws KhoforgeError `USAGE` */
export function checkLineFlags({ guided, coverage, tree, vmlinux, source, shard }: LineFlags): void {
  const word = guided ? '--guided' : coverage ? '--coverage' : undefined;
  if (tree !== undefined && (vmlinux !== undefined || source !== undefined))
    throw new KhoforgeError('USAGE', '--vmlinux and --source are for a kernel that boots', {
      hint: '--tree DIR has its lines: leave them out',
    });
  if (word !== undefined && tree === undefined && vmlinux === undefined)
    throw new KhoforgeError('USAGE', `${word} needs the lines of the kernel`, {
      hint: 'add --vmlinux FILE: the one beside the bzImage, with debug information',
    });
  if (word === undefined && (vmlinux !== undefined || source !== undefined))
    throw new KhoforgeError('USAGE', '--vmlinux and --source are for --guided and --coverage', {
      hint: 'add --guided, or --coverage',
    });
  if (guided && shard.of > 1)
    throw new KhoforgeError('USAGE', '--guided learns from all its runs, and has no shards', {
      hint: 'give each machine a --seed of its own',
    });
}

/** What runs are asked with, for their lines. */
export interface OpenLines {
  readonly program?: CoveredProgram;
  readonly simulatedLines?: SimulatedLines;
  /** What of it decides what runs are, by its name. */
  readonly decides: Readonly<Record<string, string>>;
}

/** @throws KhoforgeError `USAGE`, and of readProgram() */
export async function openLines(flags: LineFlags, kernel: SuiteKernel): Promise<OpenLines> {
  const { guided, coverage, tree, vmlinux, source } = flags;
  const decides = guided ? { guided: 'yes' } : {};
  if (tree !== undefined) {
    if (!guided && !coverage) return { decides };
    return { simulatedLines: await SimulatedLines.read(kernel.bytes, tree), decides };
  }
  if (vmlinux === undefined) return { decides };
  const program = await readProgram(vmlinux, source);
  if (program.unpackerEnd !== undefined)
    throw new KhoforgeError('USAGE', `${vmlinux} unpacks the kernel`, { hint: '--vmlinux linux/vmlinux' });
  return { program, decides: { ...decides, vmlinux: sha256(readInput(vmlinux)).slice(0, 16) } };
}
