/** A console line that means something, matched without its printk stamp. */
export interface Pattern {
  /** Stable name; two lines with one name count once. */
  readonly name: string;
  readonly line: RegExp;
}

/*
 * KH is kernel/liveupdate/kexec_handover.c (to 6.18: kernel/kexec_handover.c); versions are those the format
 * string was read in. "KHO: " and the like are the pr_fmt() of the file.
 */

/** What only a kernel that uses the handover says. `found` alone is no proof: it comes before the map is read. */
export const PROOFS: readonly Pattern[] = [
  // KH kho_populate(): 7.3; to 6.19 it goes on "Will skip init for some devices"
  { name: 'found', line: /^KHO: found kexec handover data/ },
  // KH kho_in_kexec_metadata(), 7.3
  { name: 'kexec-metadata', line: /^KHO: exec from: .* \(count \d+\)/ },
  // lib/test_kho.c kho_test_init(), 7.3
  { name: 'kho_test', line: /^test_kho: KHO restore succeeded/ },
  // mm/memblock.c reserve_mem_kho_revive(), 7.3
  { name: 'reserve_mem', line: /^Revived memory reservation '.*' from KHO/ },
  // kernel/liveupdate/luo_core.c luo_early_startup(), 7.3
  { name: 'LUO', line: /^luo: Retrieved live update data, liveupdate number: \d+/ },
];

/** The kernel refuses the handover as a whole, and boots as if there were none. */
export const REFUSALS: readonly Pattern[] = [
  // KH kho_populate(), 7.3; to 6.19 an error number follows
  { name: 'revival', line: /^KHO: disabling KHO revival/ },
  { name: 'fdt-unmapped', line: /^KHO: setup: failed to memremap FDT/ },
  { name: 'fdt-invalid', line: /^KHO: setup: handover FDT \(0x[0-9a-f]+\) is invalid/ },
  { name: 'fdt-incompatible', line: /^KHO: setup: handover FDT \(0x[0-9a-f]+\) is incompatible with/ },
  { name: 'scratch-unmapped', line: /^KHO: setup: failed to memremap scratch/ },
  { name: 'scratch-unmarked', line: /^KHO: failed to mark the scratch region/ },
  // KH kho_get_mem_map_phys(): 7.3 "memory map", 7.2 "KHO memory tree"; kho_mem_deserialize(): to 6.19 "memory bitmaps"
  { name: 'no-map', line: /^KHO: failed to get preserved (?:memory map|KHO memory tree|memory bitmaps)/ },
  // KH kho_init(), 6.18
  { name: 'fdt-unpreserved', line: /^KHO: failed to restore folio for KHO fdt/ },
  // arch/x86/kernel/setup.c add_kho(), 7.3: this file has no prefix
  { name: 'record-unmapped', line: /^setup: failed to memremap kho data/ },
];

/** The kernel takes the handover but refuses one subtree of it. */
export const SUBTREE_REFUSALS: readonly Pattern[] = [
  // KH kho_retrieve_subtree(), kho_in_kexec_metadata(), 7.3
  { name: 'subnode', line: /^KHO: broken KHO subnode/ },
  { name: 'kexec-metadata', line: /^KHO: kexec-metadata (?:blob too small|version \d+ not supported)/ },
  // lib/test_kho.c kho_test_init(), 7.3
  { name: 'kho_test', line: /^test_kho: failed to retrieve .* FDT/ },
  // mm/memblock.c reserve_mem_kho_retrieve_fdt(), reserve_mem_kho_revive(), 7.3
  { name: 'memblock', line: /^FDT 'memblock' (?:is incompatible with|has no child)/ },
  { name: 'memblock', line: /^failed to retrieve FDT 'memblock' from KHO/ },
  { name: 'reserve_mem', line: /^Node '.*' is incompatible with 'reserve-mem-/ },
  { name: 'reserve_mem', line: /^KHO reserve-mem '.*' has wrong (?:alignment|size)/ },
  // kernel/liveupdate/luo_core.c luo_early_startup(), 7.3
  { name: 'LUO', line: /^luo: LUO state is (?:too small|incompatible with)/ },
  { name: 'LUO', line: /^luo: failed to retrieve LUO state/ },
];

/** A kernel without KHO that is given a handover (arch/x86/kernel/setup.c add_kho(), 7.3). */
export const NOT_CONFIGURED = /^Passed KHO data, but CONFIG_KEXEC_HANDOVER not set/;

export type TroubleKind = 'panic' | 'oops' | 'bug' | 'restore-failed' | 'halted' | 'warning';

/** The kernel is in trouble, worst first. */
export const TROUBLES: readonly (Pattern & { readonly name: TroubleKind })[] = [
  { name: 'panic', line: /^Kernel panic - not syncing/ }, // kernel/panic.c vpanic(), 7.3
  { name: 'panic', line: /^PANIC: (?:early exception|double fault)/ }, // arch/x86/mm/extable.c early_fixup_exception(), 7.3
  { name: 'oops', line: /^(?:\S+: )?Oops: |: [0-9a-f]{4} \[#\d+\]/ }, // arch/x86/kernel/dumpstack.c __die_header(), 7.3
  { name: 'bug', line: /^(?:\S+: )?BUG: |^kernel BUG at / }, // arch/x86/mm/fault.c, lib/bug.c, 7.3
  { name: 'restore-failed', line: /^test_kho: KHO restore failed/ }, // lib/test_kho.c kho_test_init(), 7.3
  { name: 'halted', line: /-- System halted/ }, // arch/x86/boot/compressed/error.c error(), 7.3
  // kernel/panic.c __warn(): 7.3 "[file:line ]at function, CPU#n", before "CPU: n PID: n at file:line"
  { name: 'warning', line: /^WARNING: (?:CPU: \d+ PID: \d+ |\S+:\d+ )?at / },
  // kernel/locking/lockdep.c, 7.3
  { name: 'warning', line: /^WARNING: (?:possible|suspicious|inconsistent|bad|held|lock held|Nested) / },
];

/** How a kernel without an initrd ends: init/do_mounts.c mount_root_generic(), init/main.c kernel_init(), 7.3. */
export const NO_INIT =
  /^Kernel panic - not syncing: (?:VFS: Unable to mount root fs on |No working init found)/;

/** Power off, halt, or restart on purpose (kernel/reboot.c, drivers/tty/sysrq.c, 7.3). */
export const SHUTDOWN =
  /^reboot: (?:Power down|Power off not available|System halted|Restarting system)|^sysrq: (?:Resetting|Power Off)/;

/** The first line of every kernel (init/main.c start_kernel(), 7.3). Its decompressor may speak before. */
export const BANNER = /^Linux version /;
