import type { Preserved } from '../memory/preserved.ts';
import type { Stage } from './events.ts';
import type { Kernel } from './kernel.ts';
import type { Restorer } from './restore.ts';
import type { RootFdt } from './root-fdt.ts';
import type { Scratch } from './scratch.ts';

/**
 * When something in a kernel comes to the handover, in this order: __setup() of the command line, before the memory map
 * is read; the levels of initcalls (include/linux/init.h; module_init() is device_initcall() in what is built in); then
 * user space.
 */
export const BOOT_STAGES = [
  '__setup',
  'early_initcall',
  'core_initcall',
  'postcore_initcall',
  'arch_initcall',
  'subsys_initcall',
  'fs_initcall',
  'device_initcall',
  'late_initcall',
  'user space',
] as const;

export type BootStage = (typeof BOOT_STAGES)[number];

/** What a receiver has of a handover once it has read the memory map. */
export interface Incoming {
  readonly root: RootFdt;
  readonly scratch: Scratch;
  readonly preserved: Preserved;
  readonly restorer: Restorer;
}

/** What someone in a receiver does with the handover. */
export interface UserStage {
  readonly at: BootStage;
  /** The option of a kernel's configuration that it is built with. */
  readonly option?: string;
  run(kernel: Kernel, incoming: Incoming): Stage<Continuation>;
  /** What it says where KHO is off, and nothing was handed over. */
  off?(kernel: Kernel): Stage;
}

/** `halts`: the kernel does not go on from here. A stage: what the same user does later. */
export type Continuation = UserStage | 'halts' | undefined;
