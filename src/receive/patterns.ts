import type { Pattern } from '../model/pattern.ts';
import { CONSOLE_LINES } from '../users/registry.ts';

/*
 * KH is kernel/liveupdate/kexec_handover.c (to 6.18: kernel/kexec_handover.c); versions are those the format
 * string was read in. "KHO: " and the like are the pr_fmt() of the file.
 */

/** What only a kernel that uses the handover says. `found` alone is no proof: it comes before the map is read. */
export const PROOFS: readonly Pattern[] = [
  // KH kho_populate(): 7.3; to 6.19 it goes on "Will skip init for some devices"
  { name: 'found', line: /^KHO: found kexec handover data/ },
  ...CONSOLE_LINES.flatMap(({ proofs }) => proofs),
];

/** How lines of KHO and its users begin. */
export const SPEAKERS: readonly RegExp[] = [
  /^KHO: /,
  // arch/x86/kernel/setup.c add_kho(), 7.3
  /^setup: failed to memremap kho data|^Passed KHO data, but /,
  ...CONSOLE_LINES.flatMap(({ speaks }) => speaks),
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
  // KH kho_retrieve_subtree(), 7.3
  { name: 'subnode', line: /^KHO: broken KHO subnode/ },
  ...CONSOLE_LINES.flatMap(({ refusals }) => refusals),
];

/** A kernel without KHO that is given a handover (arch/x86/kernel/setup.c add_kho(), 7.3). */
export const NOT_CONFIGURED = /^Passed KHO data, but CONFIG_KEXEC_HANDOVER not set/;

/** A line of a kernel in trouble, and what the verdict calls it. */
export interface Trouble extends Pattern {
  readonly text: string;
}

const trouble = (name: string, text: string, ...lines: RegExp[]): Trouble[] =>
  lines.map((line) => ({ name, text, line }));

/** What a kernel says of a host that is too slow for it (arch/x86/kernel/apic/io_apic.c check_timer(), 7.3). */
export const SLOW_HOST = /^Kernel panic - not syncing: IO-APIC \+ timer doesn't work!/;

/** The kernel is in trouble, worst first. */
export const TROUBLES: readonly Trouble[] = [
  ...trouble(
    'panic',
    'kernel panic',
    /^Kernel panic - not syncing/, // kernel/panic.c vpanic(), 7.3
    /^PANIC: (?:early exception|double fault)/, // arch/x86/mm/extable.c early_fixup_exception(), 7.3
  ),
  // arch/x86/kernel/dumpstack.c __die_header(), 7.3
  ...trouble('oops', 'oops', /^(?:\S+: )?Oops: |: [0-9a-f]{4} \[#\d+\]/),
  // kernel/watchdog.c watchdog_timer_fn(), 7.3
  ...trouble('lockup', 'kernel soft lockup', /^watchdog: BUG: soft lockup/),
  ...trouble('bug', 'kernel bug', /^(?:\S+: )?BUG: |^kernel BUG at /), // arch/x86/mm/fault.c, lib/bug.c, 7.3
  ...CONSOLE_LINES.flatMap(({ failures }) => failures),
  // arch/x86/boot/compressed/error.c error(), 7.3
  ...trouble('halted', 'the kernel did not unpack itself', /-- System halted/),
  ...trouble(
    'warning',
    'kernel warning',
    // kernel/panic.c __warn(): 7.3 "[file:line ]at function, CPU#n", before "CPU: n PID: n at file:line"
    /^WARNING: (?:CPU: \d+ PID: \d+ |\S+:\d+ )?at /,
    /^WARNING: (?:possible|suspicious|inconsistent|bad|held|lock held|Nested) /, // kernel/locking/lockdep.c, 7.3
  ),
];

/** How a kernel without an initrd ends: init/do_mounts.c mount_root_generic(), init/main.c kernel_init(), 7.3. */
export const NO_INIT =
  /^Kernel panic - not syncing: (?:VFS: Unable to mount root fs on |No working init found)/;

/** Power off, halt, or restart on purpose (kernel/reboot.c, drivers/tty/sysrq.c, 7.3). */
export const SHUTDOWN =
  /^reboot: (?:Power down|Power off not available|System halted|Restarting system)|^sysrq: (?:Resetting|Power Off)/;

/** The first line of every kernel (init/main.c start_kernel(), 7.3). Its decompressor may speak before. */
export const BANNER = /^Linux version /;
