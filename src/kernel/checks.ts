import { type Checks, error, note, reporter, warning } from './check.ts';

/**
 * What `verify` looks at before any user of KHO comes to its state. A name that the producer's checks
 * (src/emit/checks.ts) have too means the same rule.
 */
export const KERNEL_CHECKS = {
  // Boot record: arch/x86/kernel/setup.c: add_kho(), drivers/of/fdt.c: early_init_dt_check_kho()
  'boot-record-absent': error('kernel', 'no boot record: nothing was handed over'),
  'setup-data-type': error('kernel', 'a setup_data record of another type, which nobody reads as KHO'),
  'setup-data-unmapped': error('kernel', 'a setup_data record of a length that cannot be mapped'),
  'setup-data-length': warning('rule', 'a setup_data record that is not as long as struct kho_data'),
  // Root FDT: KH kho_populate()
  'fdt-alone': note('a root FDT alone: what it leads to was not looked at'),
  'fdt-unmapped': error('kernel', 'a root FDT whose recorded length cannot be mapped: 0, or above 256 KiB'),
  'fdt-header': error('kernel', 'a root FDT whose header fdt_check_header() refuses'),
  'fdt-header-alignment': error(
    'kernel',
    'FDT blocks that are not aligned: refused from 7.1 on, read before',
  ),
  'fdt-compatible': error('kernel', "a root FDT whose compatible is not the receiver's"),
  'memory-map-property': error('kernel', 'preserved-memory-map is missing or not 8 bytes'),
  'memory-map-zero': error('kernel', 'the memory map is 0: the kernel before never finalized'),
  'fdt-size': warning('rule', 'a recorded FDT length that is not the page size'),
  'fdt-beyond-record': error('rule', 'a root FDT that does not fit what is mapped of it'),
  'fdt-crosses-page': warning('rule', 'a root FDT that is not inside one page'),
  'fdt-structure': error('rule', 'a root FDT whose structure block is damaged: what follows is not found'),
  'fdt-duplicate-node': warning('rule', 'two subtrees of one name: only the first is found'),
  'generation-look-alike': error('rule', 'an image of another generation under the same compatible string'),
  // Scratch: KH kho_populate()
  'scratch-unmapped': error('kernel', 'a scratch array whose length cannot be mapped: 0, or above 256 KiB'),
  'scratch-array-null': error('rule', 'a scratch array at address 0, which stands for none'),
  'scratch-array-outside-ram': error('rule', 'a scratch array outside RAM'),
  'scratch-array-outside-scratch': note(
    'a scratch array that is not inside scratch, as kexec_file_load puts it',
  ),
  'scratch-array-partial': warning('rule', 'a partial entry at the end of the scratch array'),
  'scratch-none': error('rule', 'no scratch memory: the receiver has nowhere to allocate from'),
  'scratch-small': error(
    'rule',
    'less scratch than a kernel takes: 16 MiB, and up to 7.2 the page structures of all RAM',
  ),
  'scratch-empty-entry': note('a scratch region of size 0, as kernels leave them'),
  'scratch-alignment': warning('rule', 'a scratch region that is not made of whole blocks'),
  'scratch-outside-ram': error('rule', 'a scratch region outside RAM: the receiver takes it for memory'),
  'scratch-overlap-scratch': warning('rule', 'two scratch regions that share memory'),
  // Metadata and preserved memory against scratch and RAM
  'scratch-overlap': error(
    'rule',
    'preserved memory or metadata inside scratch, where the receiver allocates',
  ),
  'early-memory': error(
    'rule',
    'state that is read where a receiver allocates first: the top of scratch, and of the first megabyte',
  ),
  'outside-ram': error('rule', 'preserved memory or metadata outside RAM'),
  'first-megabyte': error('rule', 'preserved memory below 1 MiB, which an x86 receiver uses as scratch'),
  'ram-guessed': warning('rule', 'RAM that is only what a dump reaches over: nothing is compared with it'),
  'memory-absent': warning('rule', 'preserved memory, or a page of the map, that the dump left out'),
  'dump-truncated': error('rule', 'a dump that ends before the memory that it tells of'),
  'ram-unknown': warning('rule', 'an image that does not tell its RAM: nothing is compared with it'),
  // Memory map: KH kho_mem_retrieve(), kho_mem_deserialize()
  'map-node-alignment': error('rule', 'a node, leaf, chunk or bitmap that is not aligned'),
  'map-node-twice': error(
    'rule',
    'a node, leaf, chunk or bitmap that the map leads to twice, or in a circle',
  ),
  'map-node-empty': note('a page of the map that the image does not have: it is read as zeroes'),
  'map-key': error('rule', 'a bit of the map whose key says no order, or more than the tree can'),
  'map-address': error('rule', 'a block of the map that ends beyond 64 bits'),
  'map-chunk': error(
    'rule',
    'a chunk with more elements than fit, an order out of order, or a start off its block',
  ),
  'map-partly-read': warning(
    'rule',
    'a map too large to check block by block, or that leads where nobody knows what is read',
  ),
  'map-node-preserved': note('a page of the map that is itself preserved: it stays reserved for ever'),
  'map-empty': warning('rule', 'a map that preserves nothing'),
  'preserved-twice': error('rule', 'a page that is preserved twice, under two orders'),
  'memory-short': error('rule', 'RAM of which too little is neither preserved nor scratch'),
  'range-order': error('rule', 'a block of 2 GiB or more: receivers up to 7.1 compute its size in 32 bits'),
  'folio-order': warning('rule', 'a block above MAX_PAGE_ORDER: no folio, and up to 6.19 never restored'),
  'fdt-not-preserved': error('rule', 'a root FDT whose page is not preserved: it is freed while in use'),
  // Subtrees: KH kho_retrieve_subtree(), kernel/liveupdate/kexec_handover_debugfs.c
  'subtree-address': error('kernel', 'a subtree whose address is missing or not 8 bytes'),
  'subtree-blob-size': error('kernel', 'a subtree whose blob-size is missing or not 8 bytes'),
  'subtree-name': warning(
    'kernel',
    'a subtree that debugfs does not show: its name is no file name, or there already',
  ),
  'subtree-not-preserved': error('rule', 'a subtree whose blob is not preserved'),
  'subtree-size': error('rule', 'a subtree blob that is empty or larger than the memory preserved for it'),
  'subtree-alignment': warning('rule', 'a subtree blob that does not start a page'),
  'subtree-unknown': note('a subtree that nobody in the receiver asks for'),
  'stale-bytes': note('bytes behind a blob in its last page: what the kernel before had there'),
} as const satisfies Checks;

export type KernelCheck = keyof typeof KERNEL_CHECKS;

export const report = reporter(KERNEL_CHECKS);
