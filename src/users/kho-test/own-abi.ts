import type { OwnAbi } from '../user.ts';

export const ownAbi: OwnAbi = {
  name: 'test_kho',
  headers: [],
  units: [
    {
      paths: ['lib/test_kho.c'],
      shim: 'source.c',
      excerpt: true,
      take: /^KHO_TEST_\w+$/,
      properties: 'kho_test',
      literals: { 'kho_test:data': 'data' },
    },
  ],
  governed: [{ items: /^(kho_test:|KHO_TEST_)/, versions: ['KHO_TEST_COMPAT'] }],
};
