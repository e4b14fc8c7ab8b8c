import type { Severity } from '../model/finding.ts';

interface CheckInfo {
  /** Unless the user promotes or demotes it. */
  readonly severity: Severity;
  /** `kernel`: the kernel makes this check. `rule`: it relies on it without checking. */
  readonly by: 'kernel' | 'rule';
  readonly text: string;
}

const error = (by: CheckInfo['by'], text: string) => ({ severity: 'error', by, text }) as const;
const warning = (by: CheckInfo['by'], text: string) => ({ severity: 'warning', by, text }) as const;
const note = (text: string) => ({ severity: 'note', by: 'rule', text }) as const;

/**
 * Everything `verify` looks at, in the order in which a receiving kernel comes to it. A name that the producer's checks
 * (src/emit/checks.ts) have too means the same rule.
 */
export const VERIFY_CHECKS = {
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
  'outside-ram': error('rule', 'preserved memory or metadata outside RAM'),
  'first-megabyte': error('rule', 'preserved memory below 1 MiB, which an x86 receiver uses as scratch'),
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
  'map-partly-read': warning('rule', 'a map too large to check block by block'),
  'map-node-preserved': note('a page of the map that is itself preserved: it stays reserved for ever'),
  'map-empty': warning('rule', 'a map that preserves nothing'),
  'preserved-twice': error('rule', 'a page that is preserved twice, under two orders'),
  'range-order': error('rule', 'a block of 2 GiB or more: receivers up to 7.1 compute its size in 32 bits'),
  'folio-order': warning('rule', 'a block above MAX_PAGE_ORDER: no folio, and up to 6.19 never restored'),
  'fdt-not-preserved': error('rule', 'a root FDT whose page is not preserved: it is freed while in use'),
  // Subtrees: KH kho_retrieve_subtree(), kernel/liveupdate/kexec_handover_debugfs.c
  'subtree-address': error('kernel', 'a subtree whose address is missing or not 8 bytes'),
  'subtree-blob-size': error('kernel', 'a subtree whose blob-size is missing or not 8 bytes'),
  'subtree-not-preserved': error('rule', 'a subtree whose blob is not preserved'),
  'subtree-size': error('rule', 'a subtree blob that is empty or larger than the memory preserved for it'),
  'subtree-alignment': warning('rule', 'a subtree blob that does not start a page'),
  'subtree-unknown': note('a subtree that nobody in the receiver asks for'),
  'stale-bytes': note('bytes behind a blob in its last page: what the kernel before had there'),
  // kexec-metadata: KH kho_in_kexec_metadata()
  'kexec-metadata-size': error('kernel', 'kexec-metadata that is too small'),
  'kexec-metadata-version': error('kernel', 'kexec-metadata of a version that the receiver does not know'),
  'kexec-metadata-release': warning('rule', 'a previous_release that is not terminated'),
  // kho_test: lib/test_kho.c, KH kho_restore_vmalloc(), kho_restore_page()
  'kho-test-format': error('kernel', 'a kho_test FDT that kho_test_restore() refuses'),
  'kho-test-vmalloc': error('kernel', 'a list of test folios that kho_restore_vmalloc() refuses'),
  'kho-test-folio': error('kernel', 'a test folio that is not preserved, or at another order'),
  'kho-test-checksum': error('kernel', 'test data that does not add up to its checksum'),
  'kho-test-contents': note('test folios whose contents are not in the image: the checksum is not compared'),
  // LUO: kernel/liveupdate/luo_core.c: luo_early_startup(); it panics on each of these
  'luo-size': error('kernel', 'LUO state that is too small'),
  'luo-compatible': error('kernel', 'LUO state of another version'),
  'luo-number': error('kernel', 'LUO state without its number of live updates'),
  'luo-sessions': error('kernel', 'LUO sessions that luo_session_setup_incoming() refuses'),
  'luo-flbs': error('kernel', 'LUO FLBs that luo_flb_setup_incoming() refuses'),
  'luo-not-preserved': error('rule', 'LUO memory that is not preserved'),
  // Sessions: kernel/liveupdate/luo_session.c, luo_file.c, when /dev/liveupdate is opened
  'luo-array': error('rule', 'more sessions or files than fit the fixed array of 6.19 and 7.1'),
  'luo-session-twice': error(
    'kernel',
    'two sessions of one name: no session can be retrieved, or up to there',
  ),
  'luo-files': error('kernel', 'a list of files that luo_file_deserialize() refuses'),
  'luo-handler': error('kernel', 'a file whose handler the receiver does not have'),
  'luo-token-twice': error('rule', 'two files of one token: only the first can be retrieved'),
  // memfd: mm/memfd_luo.c: memfd_luo_retrieve(), when the file is retrieved
  'memfd-seals': error('kernel', 'a memfd with seals that the receiver does not know'),
  'memfd-list': error('kernel', 'a list of folios that kho_restore_vmalloc() refuses, or that is too short'),
  'memfd-folio': error('kernel', 'a folio of a memfd that is not preserved, or restored twice'),
  'memfd-index-twice': error('kernel', 'two folios for one page of a memfd'),
  'memfd-index': error('rule', 'a folio beyond the end of a memfd, or not aligned in it'),
  'memfd-large-folio': note(
    'folios of a memfd that are larger than a page: the receiver needs CONFIG_TRANSPARENT_HUGEPAGE',
  ),
  // reserve_mem: mm/memblock.c: reserve_mem_kho_revive(), for a receiver that is booted with reserve_mem=
  'memblock-format': warning('kernel', 'a memblock FDT that no reserve_mem= is revived from'),
  'memblock-region': warning('kernel', 'a reserve_mem region that is not revived'),
  'memblock-not-preserved': error('rule', 'a reserve_mem region that is not preserved'),
} as const satisfies Record<string, CheckInfo>;

export type VerifyCheck = keyof typeof VERIFY_CHECKS;

export function isVerifyCheck(name: string): name is VerifyCheck {
  return Object.hasOwn(VERIFY_CHECKS, name);
}
