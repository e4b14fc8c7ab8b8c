import type { Target } from '../abi/target.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { Region } from '../memory/regions.ts';

/** What every kind of boot record says. Values are as they will be handed over, right or deliberately wrong. */
export interface HandoverAddresses {
  readonly fdtAddr: bigint;
  /** The page size in every real handover, never the FDT's totalsize. */
  readonly fdtSize: bigint;
  readonly scratchAddr: bigint;
  /** Bytes of the scratch array. */
  readonly scratchSize: bigint;
}

/** `struct kho_data` in a record of the chain that begins in boot_params (x86). */
export interface SetupDataRecord extends HandoverAddresses {
  readonly kind: 'setup_data';
  /** SETUP_KEXEC_KHO unless overridden. */
  readonly setupDataType: number;
  /** Bytes of the record's data, sizeof(struct kho_data) unless overridden. */
  readonly setupDataLen: number;
}

/** Two properties of `/chosen` in the device tree. */
export interface ChosenRecord extends HandoverAddresses {
  readonly kind: 'chosen';
}

/** Nothing was handed over: all addresses and sizes are 0. */
export interface NoRecord extends HandoverAddresses {
  readonly kind: 'none';
}

/** How the receiver learns of the handover. */
export type BootRecord = SetupDataRecord | ChosenRecord | NoRecord;

/** One emitted structure and where it is. */
export interface Placement {
  /** E.g. `kho_test/folios[3]`: the path that `place`, `override` and `omit` take. */
  readonly path: string;
  readonly start: bigint;
  /** Bytes. */
  readonly size: bigint;
}

/** What the console of a receiving kernel has to show. */
export interface Expectations {
  readonly verdict: Verdict;
  /** Texts that must each stand in some console line. */
  readonly lines: readonly string[];
  /** Texts that must not stand in any console line. */
  readonly absent: readonly string[];
}

/** What a receiving kernel makes of a handover. */
export type Verdict = 'revived' | 'rejected' | 'ignored' | 'broken';

/** A complete handover in memory: made from a spec, or read from a file. */
export interface Image {
  readonly target: Target;
  /** RAM that the producing kernel could use. */
  readonly ram: readonly Region[];
  /** Bytes of each NUMA node of the machine, in the order of addresses, when there are several. */
  readonly nodes?: readonly bigint[];
  readonly bootRecord: BootRecord;
  /** Entries of the scratch array, in its order. */
  readonly scratch: readonly Region[];
  /** All bytes that are not zero: FDT, scratch array, memory map, blobs, preserved contents. */
  readonly memory: PhysicalMemory;
  readonly placements: readonly Placement[];
  readonly expect: Expectations;
  /** KEY=VALUE lines that the producing kernel left for those who read its dump, where they are known. */
  readonly vmcoreinfo?: string;
  /**
   * Permission bits of the file that it was read from: what is written of it is no more open than that. None of an image
   * from a spec, which holds nobody's memory.
   */
  readonly mode?: number;
  /** `ram` is only what the source reaches over: it does not say what of it is RAM, nor what else is. */
  readonly ramGuessed?: true;
  /** Memory that the source tells of and has no bytes of: cut off, or left out by a filter. Ascending, disjoint. */
  readonly absent?: readonly Region[];
  /** The source ends before the memory that it tells of. */
  readonly cutShort?: true;
  /** A root FDT and nothing else: its address, and all that it leads to, are not known. */
  readonly fdtAlone?: true;
}
