import { defineAbi } from '../../abi/entry.ts';
import { chars, defineStruct, u32 } from '../../abi/layout.ts';

/** __NEW_UTS_LEN: characters of a release (include/uapi/linux/utsname.h); `previous_release` has one more. */
const __NEW_UTS_LEN = 64;

const kho_kexec_metadata = defineStruct({
  name: 'kho_kexec_metadata',
  source: 'include/linux/kho/abi/kexec_metadata.h (7.3)',
  packed: true,
  fields: { version: u32, previous_release: chars(__NEW_UTS_LEN + 1), kexec_count: u32 },
});

/** include/linux/kho/abi/kexec_metadata.h */
export const KEXEC_METADATA_ABI = defineAbi([
  { from: '7.1', struct: kho_kexec_metadata },
  {
    from: '7.1',
    strings: { KHO_METADATA_NODE_NAME: 'kexec-metadata' },
    // the version that 7.1 to 7.3 read and write
    numbers: { KHO_KEXEC_METADATA_VERSION: 1 },
  },
  { from: '6.16', numbers: { __NEW_UTS_LEN } },
]);
