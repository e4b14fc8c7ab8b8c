import type { Target } from '../abi/target.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { Region } from '../memory/regions.ts';

/**
 * What the boot record tells the receiver: `struct kho_data` in an x86 setup_data record, or the two
 * properties of /chosen on arm64. Values are as they will be handed over, right or deliberately wrong.
 */
export interface BootRecord {
  readonly fdtAddr: bigint;
  /** The page size in every real handover, never the FDT's totalsize. */
  readonly fdtSize: bigint;
  readonly scratchAddr: bigint;
  /** Bytes of the scratch array. */
  readonly scratchSize: bigint;
  /** x86: type of the setup_data record, SETUP_KEXEC_KHO unless overridden. SETUP_NONE: there is no record. */
  readonly setupDataType: number;
  /** x86: length of the record's data, sizeof(struct kho_data) unless overridden. */
  readonly setupDataLen: number;
}

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
  /** A root FDT and nothing else: its address, and all that it leads to, are not known. */
  readonly fdtAlone?: true;
}
