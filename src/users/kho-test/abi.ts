import { kho_vmalloc } from '../../abi/declared/kexec_handover.ts';
import { defineAbi } from '../../abi/entry.ts';

/** lib/test_kho.c (6.17 to 7.3) */
export const KHO_TEST_ABI = defineAbi([
  {
    from: '6.16',
    // kho_test:data: the node below the root that holds the list of folios
    strings: { KHO_TEST_FDT: 'kho_test', KHO_TEST_COMPAT: 'kho-test-v1', 'kho_test:data': 'data' },
    // `KHO!`
    numbers: { KHO_TEST_MAGIC: 0x4b484f21 },
    properties: { 'kho_test:magic': 4, 'kho_test:nr_folios': 4, 'kho_test:csum': 4 },
  },
  // Up to 6.17 an array of u64, from 6.18 on one struct kho_vmalloc, under the same compatible string.
  { from: '6.16', to: '6.17', properties: { 'kho_test:folios_info': 8 } },
  { from: '6.18', properties: { 'kho_test:folios_info': kho_vmalloc } },
]);
