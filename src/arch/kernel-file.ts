import { ARCHES, type Arch, type PageSize } from '../abi/arch.ts';
import { KhoforgeError } from '../base/errors.ts';
import { ARCHITECTURES } from './architectures.ts';

/** What the file of a kernel says of itself. */
export interface KernelFile {
  readonly arch: Arch;
  /** Version, e.g. `7.3.4`; empty when the file has none. */
  readonly version: string;
  readonly pageSize: PageSize;
}

/**
 * Reads what a kernel file is for.
 * @param file name for messages
 * @throws KhoforgeError `KERNEL_UNKNOWN` for what is a kernel of no architecture; those of its architecture's reader
 */
export function readKernelFile(bytes: Uint8Array, file = 'the kernel'): KernelFile {
  for (const arch of ARCHES) {
    const architecture = ARCHITECTURES[arch];
    if (architecture.isKernel(bytes)) return { arch, ...architecture.readKernel(bytes, file) };
  }
  throw new KhoforgeError('KERNEL_UNKNOWN', `${file} is no kernel of ${ARCHES.join(' or ')}`, {
    where: { file },
    hint: 'give arch/x86/boot/bzImage or arch/arm64/boot/Image',
  });
}
