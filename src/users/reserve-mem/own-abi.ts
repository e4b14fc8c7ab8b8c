import type { OwnAbi } from '../user.ts';

export const ownAbi: OwnAbi = {
  name: 'memblock',
  headers: ['memblock'],
  units: [
    {
      paths: ['mm/memblock.c'],
      shim: 'source.c',
      excerpt: true,
      take: /^(MEMBLOCK|RESERVE_MEM)_KHO_\w+$/,
      properties: 'memblock',
    },
  ],
  governed: [
    { items: /^(memblock:|RESERVE_MEM_)/, versions: ['RESERVE_MEM_KHO_NODE_COMPATIBLE'] },
    { items: /^MEMBLOCK_/, versions: ['MEMBLOCK_KHO_NODE_COMPATIBLE'] },
  ],
};
