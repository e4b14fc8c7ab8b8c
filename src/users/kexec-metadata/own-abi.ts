import type { OwnAbi } from '../user.ts';

export const ownAbi: OwnAbi = {
  name: 'kexec metadata',
  headers: ['kexec_metadata'],
  units: [{ paths: ['include/uapi/linux/utsname.h'], shim: 'utsname.c', take: /^__NEW_UTS_LEN$/ }],
  governed: [
    {
      items: /^(kho_kexec_metadata\b|KHO_METADATA_|KHO_KEXEC_METADATA_|__NEW_UTS_LEN)/,
      versions: ['KHO_KEXEC_METADATA_VERSION'],
    },
  ],
};
