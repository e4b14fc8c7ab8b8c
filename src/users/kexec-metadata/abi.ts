import { chars, defineStruct, u32 } from '../../abi/layout.ts';

/** KHO_METADATA_NODE_NAME: the subtree's name (include/linux/kho/abi/kexec_metadata.h, 7.3). */
export const KHO_METADATA_NODE_NAME = 'kexec-metadata';

/** __NEW_UTS_LEN: characters of a release (include/uapi/linux/utsname.h); `previous_release` has one more. */
export const NEW_UTS_LEN = 64;

/** The version that 7.1 to 7.3 read and write. */
export const KHO_KEXEC_METADATA_VERSION = 1;

export const kho_kexec_metadata = defineStruct({
  name: 'kho_kexec_metadata',
  source: 'include/linux/kho/abi/kexec_metadata.h (7.3)',
  packed: true,
  fields: { version: u32, previous_release: chars(NEW_UTS_LEN + 1), kexec_count: u32 },
});
