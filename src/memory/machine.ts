import type { Region } from './regions.ts';

/** A QEMU machine with its memory. */
export interface Machine {
  /** For `-machine`; `none` for memory that no QEMU machine has. */
  readonly type: string;
  /** For `-cpu`, where QEMU's own choice will not do. */
  readonly cpu?: string;
  /** Bytes of guest memory, whole MiB, for `-m`. */
  readonly size: bigint;
  /** Bytes of each NUMA node, when there are several. */
  readonly nodes?: readonly bigint[];
  /** All guest memory, also what the firmware keeps for itself. */
  readonly banks: readonly Region[];
  /** The addresses that QEMU deals out to NUMA nodes, as many bytes as `size`. */
  readonly backing: readonly Region[];
  /** RAM that is as it was loaded when the kernel starts, but for `scribbled`. */
  readonly usable: readonly Region[];
  /** The part of `usable` that the firmware works in before the kernel starts: RAM, but what is loaded there is lost. */
  readonly scribbled: readonly Region[];
  /** Ranges outside guest memory that the firmware reports as reserved. */
  readonly reserved: readonly Region[];
}
