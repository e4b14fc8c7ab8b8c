import type { SubtreeEntry } from '../../src/specfile/schema.ts';
import type { UserKey } from '../../src/users/registry.ts';

/** An entry of a spec for each user: a new one does not compile without. */
export const EXAMPLES: { readonly [K in UserKey]: Required<Pick<SubtreeEntry, K>> } = {
  'kexec-metadata': { 'kexec-metadata': { previous_release: '6.19.0', kexec_count: 41 } },
  luo: {
    luo: {
      liveupdate_number: 7,
      sessions: [
        {
          name: 'vm0',
          files: [{ token: 0x2a, memfd: { content: { seed: 1, size: '16KiB' } } }],
        },
      ],
      flbs: [{ name: 'iommu-v1', data: 5, count: 2 }],
    },
  },
  reserve_mem: { reserve_mem: [{ name: 'trace', size: '1MiB' }] },
  kho_test: { kho_test: { seed: 1, max_mem: '64KiB' } },
  vmalloc: { vmalloc: { name: 'area', content: { seed: 2, size: '9KiB' } } },
  raw: { raw: { name: 'blob', content: { text: 'anything' } } },
};
