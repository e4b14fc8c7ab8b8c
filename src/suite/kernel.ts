import { DEFAULT_ARCH } from '../abi/arch.ts';
import { makeTarget, type Target } from '../abi/target.ts';
import { type KernelFile, readKernelFile } from '../arch/kernel-file.ts';
import { KhoforgeError } from '../base/errors.ts';
import { readInput } from '../base/files.ts';
import { receiverOf } from '../kernel/receivers.ts';

/** The kernel that is asked. */
export interface SuiteKernel extends KernelFile {
  readonly bytes: Uint8Array;
  /** What it goes by where it is no release, e.g. `acme 7.3`. */
  readonly name?: string;
  /** The release whose handovers it takes, e.g. `7.3`. */
  readonly release: string;
  /** What images are made for, where a case does not say. */
  readonly target: Target;
}

/**
 * Reads the kernel that is to be asked.
 * @param release of a kernel that is between two, or of a tree; default: what its version says
 * @param name of a kernel that is no release: its outcomes are kept beside those of the release that it is of
 * @throws KhoforgeError `RECEIVER_UNKNOWN`, `KERNEL_NAME`, those of readKernelFile()
 */
export function readSuiteKernel(file: string, release?: string, name?: string): SuiteKernel {
  if (name !== undefined) checkName(name);
  const bytes = readInput(file);
  const kernel = readKernelFile(bytes, file);
  const { release: known } = receiver(release ?? kernel.version, file, release === undefined);
  const { arch, pageSize } = kernel;
  const target = makeTarget({ release: known, arch, pageSize });
  return { ...kernel, bytes, ...(name !== undefined && { name }), release: known, target };
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

/** Its words stand in keys, reports and tables; with a number in it, it is no member of every object. */
const NAME = /^(?=.*[0-9])[A-Za-z0-9][\w.+~-]*(?: [\w.+~-]+)*$/;
/** What keyOf() gives for a kernel without a name. */
const RELEASE_KEY = /^[0-9]+\.[0-9]+(?: \S+ [0-9]+K)?$/;
const MAX_NAME = 40;

function checkName(name: string): void {
  const isName = NAME.test(name) && name.length <= MAX_NAME;
  if (isName && !RELEASE_KEY.test(name)) return;
  throw new KhoforgeError(
    'KERNEL_NAME',
    isName
      ? `the name '${name}' is that of a release`
      : `'${name}' is no name of a kernel: it has words of letters, digits and . _ + ~ -, and a digit`,
    { hint: `at most ${MAX_NAME} characters, e.g. --name 'acme 7.3'; a release needs no name` },
  );
}

type Keyed = Pick<SuiteKernel, 'release' | 'arch' | 'pageSize'> & { readonly name?: string | undefined };

/** What its outcomes are kept under: `7.3` or its name, and with what is not usual `7.3 arm64 16K`. */
export const keyOf = (kernel: Keyed): string => keyFor(kernel.name ?? kernel.release, kernel);

/** What those of the release are kept under that it is of. */
export const releaseKeyOf = (kernel: Keyed): string => keyFor(kernel.release, kernel);

const keyFor = (name: string, { arch, pageSize }: Keyed): string =>
  arch === DEFAULT_ARCH ? name : `${name} ${arch} ${pageSize >> 10}K`;
