import { resolve } from 'node:path';
import { makeTarget } from '../abi/target.ts';
import { receiverOf } from '../kernel/receivers.ts';
import { kernelVersion } from '../profile/tree.ts';
import type { SuiteKernel } from '../suite/kernel.ts';
import { type CompileOptions, compileSimulator } from './compile.ts';

/**
 * The receiving files of a kernel tree in place of a kernel: its bytes are those of the compiled program.
 * @param release of a tree that is between two
 * @throws KhoforgeError `NO_KERNEL_TREE`, `RECEIVER_UNKNOWN`; of compileSimulator()
 */
export function simulatedKernel(tree: string, options: CompileOptions, release?: string): SuiteKernel {
  const version = kernelVersion(resolve(tree));
  const known = receiverOf(release ?? version).release;
  const target = makeTarget({ release: known, arch: 'x86_64', pageSize: 4096 });
  const bytes = compileSimulator(tree, options);
  return { arch: 'x86_64', pageSize: 4096, version, release: known, target, bytes };
}
