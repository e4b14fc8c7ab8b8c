/** What of a source file receives a handover. */
export interface FileScope {
  /** In the kernel's tree. A file that a release does not have is left out. */
  readonly path: string;
  /** Functions that a handover does not reach, since they make the next one; all others are in. */
  readonly without?: readonly string[];
  /** Functions that receive, in a file that has more to do. */
  readonly functions?: readonly string[];
  /** Lines of other functions that are in: their text. */
  readonly lines?: RegExp;
}

const ABOUT_KHO = /kho_/i;

/** Of KHO's core. */
const CORE: readonly string[] = [
  'kho_radix_del_key',
  'kho_radix_del_page',
  'kho_parse_scratch_size',
  'scratch_size_update',
  'scratch_size_node',
  'kho_reserve_scratch',
  'kho_add_subtree',
  'kho_remove_subtree',
  'kho_preserve_folio',
  'kho_unpreserve_folio',
  '__kho_preserve_pages_order',
  '__kho_preserve_order',
  '__kho_unpreserve',
  '__kho_unpreserve_order',
  'kho_preserve_pages',
  'kho_unpreserve_pages',
  'vmalloc_flags_to_kho',
  'new_vmalloc_chunk',
  'kho_vmalloc_unpreserve_chunk',
  'kho_vmalloc_free_chunks',
  'kho_preserve_vmalloc',
  'kho_unpreserve_vmalloc',
  'kho_alloc_preserve',
  'kho_unpreserve_free',
  'kho_out_fdt_setup',
  'kho_out_kexec_metadata',
  'kho_fill_kimage',
  'kho_walk_scratch',
  'kho_locate_mem_hole',
  'kho_finalize',
  'kho_abort',
  'kho_mem_serialize',
  'kho_mem_ser_free',
  'kho_out_update_debugfs_fdt',
  'new_chunk',
  'xa_load_or_alloc',
  'kho_update_memory_map',
  'kho_finalized',
  'kho_debugfs_fdt_add',
  'register_kho_notifier',
  'unregister_kho_notifier',
  'kho_out_finalize_get',
  'kho_out_finalize_set',
  'kho_out_debugfs_init',
  'scratch_phys_show',
  'scratch_len_show',
];

/**
 * The code of a kernel that receives a handover: 7.3, by reading; names of 6.18 to 7.2 are in where they differ.
 * That a line is in says nothing of whether a handover can reach it.
 */
export const RECEIVING: readonly FileScope[] = [
  { path: 'kernel/kexec_handover.c', without: CORE },
  { path: 'kernel/liveupdate/kexec_handover.c', without: CORE },
  {
    path: 'kernel/liveupdate/kexec_handover_debugfs.c',
    without: [
      'kho_debugfs_blob_add',
      'kho_debugfs_fdt_add',
      'kho_debugfs_fdt_remove',
      'kho_out_finalize_get',
      'kho_out_finalize_set',
      'kho_debugfs_blob_remove',
      'kho_out_debugfs_init',
      'kho_debugfs_init',
      'scratch_phys_show',
      'scratch_len_show',
    ],
  },
  {
    path: 'kernel/liveupdate/kho_block.c',
    without: [
      'kho_block_alloc_ser',
      'kho_block_set_grow_one',
      'kho_block_set_shrink_one',
      'kho_block_set_grow',
      'kho_block_set_shrink',
      'kho_block_set_clear',
      'kho_block_set_it_reserve_entry',
      'kho_block_set_it_prev',
    ],
  },
  {
    path: 'kernel/liveupdate/luo_core.c',
    without: [
      'luo_state_setup',
      'luo_fdt_setup',
      'luo_late_startup',
      'liveupdate_reboot',
      'luo_ioctl_create_session',
    ],
  },
  {
    path: 'kernel/liveupdate/luo_session.c',
    without: [
      'luo_session_unfreeze_one',
      'luo_session_freeze_one',
      'luo_session_preserve_fd',
      'luo_session_create',
      'luo_session_setup_outgoing',
      'luo_session_serialize',
      'luo_session_quiesce',
      'luo_session_resume',
    ],
  },
  {
    path: 'kernel/liveupdate/luo_file.c',
    without: [
      'luo_get_id',
      'luo_token_is_used',
      'luo_preserve_file',
      'luo_file_unpreserve_files',
      'luo_file_freeze_one',
      'luo_file_unfreeze_one',
      '__luo_file_unfreeze',
      'luo_file_freeze',
      'luo_file_unfreeze',
      'luo_alloc_files_mem',
      'luo_free_files_mem',
      'liveupdate_unregister_file_handler',
    ],
  },
  {
    path: 'kernel/liveupdate/luo_flb.c',
    without: [
      'luo_flb_file_preserve_one',
      'luo_flb_file_unpreserve_one',
      'liveupdate_flb_put_outgoing',
      'luo_flb_file_preserve',
      'luo_flb_file_unpreserve',
      'luo_flb_unregister_one',
      'luo_flb_unregister_all',
      'liveupdate_unregister_flb',
      'liveupdate_flb_get_outgoing',
      'luo_flb_setup_outgoing',
      'luo_flb_serialize',
    ],
  },
  {
    path: 'mm/memfd_luo.c',
    without: [
      'memfd_luo_preserve_folios',
      'memfd_luo_unpreserve_folios',
      'memfd_luo_preserve',
      'memfd_luo_freeze',
      'memfd_luo_unpreserve',
      'memfd_luo_can_preserve',
      'memfd_luo_get_id',
    ],
  },
  {
    path: 'lib/test_kho.c',
    without: [
      'kho_test_unpreserve_data',
      'kho_test_preserve_data',
      'kho_test_prepare_fdt',
      'kho_test_preserve',
      'kho_test_generate_data',
      'kho_test_save',
      'kho_test_save_data',
      'kho_test_notifier',
      'kho_test_cleanup',
      'kho_test_exit',
    ],
  },
  {
    path: 'mm/memblock.c',
    functions: [
      'memblock_mark_kho_scratch',
      'memblock_clear_kho_scratch',
      'memblock_set_kho_scratch_only',
      'memblock_clear_kho_scratch_only',
      'reserve_mem_kho_retrieve_fdt',
      'reserve_mem_kho_revive',
      'choose_memblock_flags',
    ],
    lines:
      /kho_scratch_overlap|memblock_is_kho_scratch|reserve_mem_kho_revive|memblock_clear_kho_scratch_only/,
  },
  { path: 'mm/mm_init.c', functions: [], lines: ABOUT_KHO },
  { path: 'drivers/of/fdt.c', functions: ['early_init_dt_check_kho'], lines: ABOUT_KHO },
  { path: 'arch/x86/kernel/setup.c', functions: ['add_kho'], lines: ABOUT_KHO },
  { path: 'arch/x86/kernel/e820.c', functions: [], lines: ABOUT_KHO },
  { path: 'arch/x86/boot/compressed/kaslr.c', functions: ['process_kho_entries'], lines: ABOUT_KHO },
];
