import type { Target } from '../../abi/target.ts';

/** The version that the target's kernel reads and writes; undefined where it has no metadata. */
export const metadataVersion = ({ abi }: Target): number | undefined =>
  abi.has('KHO_KEXEC_METADATA_VERSION') ? abi.number('KHO_KEXEC_METADATA_VERSION') : undefined;
