import { DEFAULT_ARCH } from '../abi/arch.ts';
import { makeTarget, type Target } from '../abi/target.ts';
import { type KernelFile, readKernelFile } from '../arch/kernel-file.ts';
import { KhoforgeError } from '../base/errors.ts';
import { readInput } from '../base/files.ts';
import { receiverOf } from '../kernel/receivers.ts';

/** The kernel that is asked. */
export interface SuiteKernel extends KernelFile {
  readonly bytes: Uint8Array;
  /** The release whose handovers it takes, e.g. `7.3`. */
  readonly release: string;
  /** What images are made for, where a case does not say. */
  readonly target: Target;
}

/**
 * Reads the kernel that is to be asked.
 * @param release of a kernel that is between two, or of a tree; default: what its version says
 * @throws KhoforgeError `RECEIVER_UNKNOWN`, those of readKernelFile()
 */
export function readSuiteKernel(file: string, release?: string): SuiteKernel {
  const bytes = readInput(file);
  const kernel = readKernelFile(bytes, file);
  const { release: known } = receiver(release ?? kernel.version, file, release === undefined);
  const { arch, pageSize } = kernel;
  return { ...kernel, bytes, release: known, target: makeTarget({ release: known, arch, pageSize }) };
}

function receiver(name: string, file: string, ofFile: boolean) {
  try {
    return receiverOf(name);
  } catch (cause) {
    if (!ofFile || !(cause instanceof KhoforgeError)) throw cause;
    throw new KhoforgeError(
      'RECEIVER_UNKNOWN',
      `${file} is Linux ${name || 'of no version'}: ${cause.message}`,
      {
        where: { file },
        hint: '--release 7.3 tries it as a kernel of that release',
        cause,
      },
    );
  }
}

/** What its outcomes are kept under: `7.3`, and with what is not usual `7.3 arm64 16K`. */
export function keyOf({
  release,
  arch,
  pageSize,
}: Pick<SuiteKernel, 'release' | 'arch' | 'pageSize'>): string {
  return arch === DEFAULT_ARCH ? release : `${release} ${arch} ${pageSize >> 10}K`;
}
