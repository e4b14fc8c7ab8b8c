import type { Unit } from '../../abi/unit.ts';
import type { OwnAbi } from '../user.ts';

const source = (part: string, take: RegExp): Unit => ({
  paths: [`kernel/liveupdate/luo_${part}.c`],
  shim: 'source.c',
  excerpt: true,
  take,
});

export const ownAbi: OwnAbi = {
  name: 'LUO',
  headers: ['luo'],
  units: [
    {
      paths: ['include/uapi/linux/liveupdate.h'],
      shim: 'liveupdate.c',
      take: /^LIVEUPDATE_SESSION_NAME_LENGTH$/,
    },
    source('session', /^LUO_SESSION_(PGCNT|MAX)$/),
    source('file', /^LUO_FILE_(PGCNT|MAX)$/),
    source('flb', /^LUO_FLB_(PGCNT|MAX)$/),
  ],
  // In 6.19 and 7.1 each node of LUO's tree has its string; from 7.2 on one covers them all.
  governed: [
    {
      items: /^(luo_flb_|LUO_(FDT_)?FLB_|LIVEUPDATE_FLB_)/,
      versions: ['LUO_ABI_COMPATIBLE', 'LUO_FDT_FLB_COMPATIBLE'],
    },
    {
      items: /^(luo_(session|file)_|LUO_(FDT_)?(SESSION|FILE)_|LIVEUPDATE_)/,
      versions: ['LUO_ABI_COMPATIBLE', 'LUO_FDT_SESSION_COMPATIBLE'],
    },
    { items: /^(luo_|LUO_)/, versions: ['LUO_ABI_COMPATIBLE', 'LUO_FDT_COMPATIBLE'] },
  ],
};
