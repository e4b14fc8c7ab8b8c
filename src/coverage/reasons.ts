import type { SourceFunction } from './functions.ts';

/** Why no handover reaches some lines of a function. */
interface Reason {
  /** In the kernel's tree. */
  readonly path: string;
  readonly function: string;
  /** First and last; the function's name is in line 0, so that they stay where a file changes above. */
  readonly lines: readonly (readonly [from: number, to: number])[];
  readonly why: string;
}

/** By release: by reading what the catalogue does not come to. */
const REASONS: Readonly<Record<string, readonly Reason[]>> = {
  '7.3': [
    {
      path: 'kernel/liveupdate/kexec_handover.c',
      function: 'kho_radix_add_key',
      lines: [[12, 12]],
      why: 'the tree of busy blocks always has a root',
    },
    {
      path: 'kernel/liveupdate/kexec_handover.c',
      function: 'kho_radix_add_key',
      lines: [[60, 67]],
      why: 'it takes an allocation that fails',
    },
    {
      path: 'kernel/liveupdate/kexec_handover.c',
      function: 'kho_radix_walk_tree',
      lines: [[4, 4]],
      why: 'a tree is walked only when its address is not 0',
    },
    {
      path: 'kernel/liveupdate/kexec_handover.c',
      function: 'kho_extend_scratch',
      lines: [[46, 47]],
      why: 'it takes an allocation that fails',
    },
    {
      path: 'kernel/liveupdate/kexec_handover.c',
      function: 'kho_restore_vmalloc',
      lines: [[81, 81]],
      why: 'it takes an allocation that fails',
    },
    {
      path: 'kernel/liveupdate/kexec_handover.c',
      function: 'kho_restore_free',
      lines: [[10, 10]],
      why: 'nobody frees address 0',
    },
    {
      path: 'kernel/liveupdate/kexec_handover.c',
      function: 'kho_mem_retrieve',
      lines: [[17, 17]],
      why: 'what is called for each key always returns 0',
    },
    {
      path: 'kernel/liveupdate/kexec_handover.c',
      function: 'kho_kexec_metadata_init',
      lines: [[9, 10]],
      why: 'it takes an allocation that fails',
    },
    {
      path: 'kernel/liveupdate/kexec_handover.c',
      function: 'kho_init',
      lines: [
        [32, 32],
        [66, 66],
        [77, 77],
      ],
      why: 'it takes an allocation that fails',
    },
    {
      path: 'kernel/liveupdate/kexec_handover.c',
      function: 'kho_memory_init_early',
      lines: [[37, 37]],
      why: 'kho_populate() has asked the same of the same FDT before',
    },
    {
      path: 'kernel/liveupdate/kexec_handover.c',
      function: 'kho_populate',
      lines: [[52, 52]],
      why: 'it takes a memblock array that cannot grow, and that panics',
    },
    {
      path: 'kernel/liveupdate/kexec_handover_debugfs.c',
      function: 'kho_in_debugfs_init',
      lines: [
        [15, 15],
        [64, 64],
        [71, 72],
      ],
      why: 'the folders of debugfs have names of their own, which are new',
    },
    {
      path: 'kernel/liveupdate/kho_block.c',
      function: 'kho_block_free_ser',
      lines: [[6, 6]],
      why: 'the next handover is made with it',
    },
    {
      path: 'kernel/liveupdate/luo_core.c',
      function: 'luo_ioctl_retrieve_session',
      lines: [[23, 23]],
      why: 'it takes a request in memory that user space cannot be answered in',
    },
    {
      path: 'kernel/liveupdate/luo_core.c',
      function: 'luo_ioctl',
      lines: [
        [10, 10],
        [26, 26],
      ],
      why: 'it takes a request that the kernel does not have',
    },
    {
      path: 'kernel/liveupdate/luo_session.c',
      function: 'luo_session_insert',
      lines: [[13, 14]],
      why: 'the next handover is made with it',
    },
    {
      path: 'kernel/liveupdate/luo_session.c',
      function: 'luo_session_remove',
      lines: [[7, 7]],
      why: 'the next handover is made with it',
    },
    {
      path: 'kernel/liveupdate/luo_session.c',
      function: 'luo_session_release',
      lines: [[11, 13]],
      why: 'no handler of files refuses to finish (can_finish)',
    },
    {
      path: 'kernel/liveupdate/luo_session.c',
      function: 'luo_session_release',
      lines: [[18, 19]],
      why: 'the next handover is made with it',
    },
    {
      path: 'kernel/liveupdate/luo_session.c',
      function: 'luo_session_retrieve_fd',
      lines: [[26, 26]],
      why: 'it takes a request in memory that user space cannot be answered in',
    },
    {
      path: 'kernel/liveupdate/luo_session.c',
      function: 'luo_session_finish',
      lines: [[7, 7]],
      why: 'it takes a request with a reserved word',
    },
    {
      path: 'kernel/liveupdate/luo_session.c',
      function: 'luo_ioctl_type_valid',
      lines: [[8, 8]],
      why: 'the next handover is made with it',
    },
    {
      path: 'kernel/liveupdate/luo_session.c',
      function: 'luo_session_ioctl',
      lines: [[32, 33]],
      why: 'it takes a request with more than the kernel knows',
    },
    {
      path: 'kernel/liveupdate/luo_session.c',
      function: 'luo_session_deserialize_one',
      lines: [[8, 10]],
      why: 'it takes an allocation that fails',
    },
    {
      path: 'kernel/liveupdate/luo_file.c',
      function: 'luo_file_can_finish_one',
      lines: [[10, 17]],
      why: 'no handler of files refuses to finish (can_finish)',
    },
    {
      path: 'kernel/liveupdate/luo_file.c',
      function: 'luo_file_deserialize_one',
      lines: [[27, 27]],
      why: 'it takes an allocation that fails',
    },
    {
      path: 'kernel/liveupdate/luo_file.c',
      function: 'liveupdate_register_file_handler',
      lines: [
        [18, 18],
        [35, 36],
      ],
      why: 'it takes two handlers of one name',
    },
    {
      path: 'kernel/liveupdate/luo_flb.c',
      function: 'liveupdate_register_flb',
      lines: [
        [14, 14],
        [42, 42],
        [45, 45],
      ],
      why: 'it takes a driver that registers its object wrongly, or too many of them',
    },
    {
      path: 'mm/memfd_luo.c',
      function: 'memfd_luo_retrieve_folios',
      lines: [
        [58, 58],
        [74, 74],
      ],
      why: "the kernel's own tmpfs has no limit",
    },
    {
      path: 'mm/memfd_luo.c',
      function: 'memfd_luo_retrieve',
      lines: [[23, 25]],
      why: 'it takes an allocation that fails',
    },
    {
      path: 'mm/memfd_luo.c',
      function: 'memfd_luo_retrieve',
      lines: [[30, 31]],
      why: 'unknown seals are refused before, and a new file takes all others',
    },
    {
      path: 'mm/memfd_luo.c',
      function: 'memfd_luo_init',
      lines: [[5, 8]],
      why: 'it takes two handlers of one name',
    },
    {
      path: 'mm/memblock.c',
      function: 'memblock_alloc_hugetlb',
      lines: [[41, 41]],
      why: 'it takes huge pages that are reserved on the command line',
    },
    {
      path: 'mm/memblock.c',
      function: 'memblock_clear_kho_scratch_only',
      lines: [[3, 3]],
      why: 'it is inlined where it is called',
    },
  ],
};

/** Why no handover reaches lines of a file. @returns by line */
export function reasonsFor(
  release: string,
  path: string,
  functions: readonly SourceFunction[],
): ReadonlyMap<number, string> {
  const reasons = new Map<number, string>();
  for (const reason of REASONS[release] ?? []) {
    const own = functions.find(({ name }) => name === reason.function);
    if (reason.path !== path || own === undefined) continue;
    for (const [from, to] of reason.lines)
      for (let line = own.first + from; line <= own.first + to; line++) reasons.set(line, reason.why);
  }
  return reasons;
}
