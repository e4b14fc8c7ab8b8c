import type { OwnAbi } from '../user.ts';

export const ownAbi: OwnAbi = {
  name: 'memfd',
  headers: ['memfd'],
  units: [],
  governed: [{ items: /^(memfd_|MEMFD_)/, versions: ['MEMFD_LUO_FH_COMPATIBLE'] }],
};
