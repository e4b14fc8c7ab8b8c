import { GENERATIONS, type Generation, generationOfRelease } from '../abi/generations.ts';
import { compatibleOf, type Target } from '../abi/target.ts';
import type { TreeAbi } from '../abi/tree-abi.ts';
import { KhoforgeError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';

/**
 * What the receiving kernels do differently, as data. KH is kernel/kexec_handover.c (6.18) and
 * kernel/liveupdate/kexec_handover.c (6.19 and later).
 */
export interface Receiver {
  readonly release: string;
  readonly generation: Generation;
  /** Of a kernel tree: what its headers say otherwise. */
  readonly tree?: TreeAbi;
  /** fdt_check_header() demands off_mem_rsvmap % 8 and off_dt_struct % 4 to be 0 (scripts/dtc/libfdt/fdt.c). */
  readonly headerAlignment: boolean;
  /** When the map's property is first read: before or after "found kexec handover data" (KH: kho_populate). */
  readonly mapReadBy: 'kho_populate' | 'kho_memory_init';
  /** What KH calls the map in "failed to get preserved %s". */
  readonly mapName: string;
  /** End of the line "found kexec handover data." */
  readonly foundSuffix: string;
  /** Whether "disabling KHO revival" is followed by an error number. */
  readonly refusalErrno: boolean;
  /** Bits of the type in which a block's size is computed (KH: deserialize_bitmap, kho_preserved_memory_reserve). */
  readonly blockSizeBits: 32 | 64;
  /** kho_restore_page() refuses, with a warning, what is above MAX_PAGE_ORDER. */
  readonly restoreLimitsOrder: boolean;
  /** The root FDT is restored as a folio, with a message when that fails (KH: kho_memory_init). */
  readonly restoresRootFdt: boolean;
  /** Scratch grows to every GiB without preserved memory before the map is read (KH: kho_extend_scratch). */
  readonly extendsScratch: boolean;
  /** KHO's own initcall, in which debugfs gets its files (KH: kho_init). */
  readonly initcall: 'fs_initcall' | 'late_initcall';
  /** kho_preserve_pages() refuses, with a warning, what is in scratch. */
  readonly refusesScratch: boolean;
  /** kho_preserve_pages() reads the node of the first page (KH: __kho_preserve_pages_order). */
  readonly readsNodes: boolean;
  /** Whether it says which scratch it could not reserve (KH: kho_reserve_scratch). */
  readonly namesScratch: boolean;
  /** It reserves scratch on each node that is online, with memory or without (KH: kho_reserve_scratch). */
  readonly scratchOnEachNode: boolean;
  /** A pageblock that does not begin with a whole page of memory gets no migrate type (memmap_init_range(), mm/mm_init.c). */
  readonly marksWholePageblocks: boolean;
  /** early_memremap() of arm64 has a page more for what begins within one (arch/arm64/include/asm/fixmap.h). */
  readonly sparesMappingPage: boolean;
  /** How debugfs complains of a subtree's address (KH to 6.18, kexec_handover_debugfs.c). */
  readonly debugfsStyle: 'quoted' | 'plain';
}

type Traits = Omit<Receiver, 'release' | 'generation' | 'tree'>;

const V6_18: Traits = {
  headerAlignment: false,
  mapReadBy: 'kho_memory_init',
  mapName: 'memory bitmaps',
  foundSuffix: ' Will skip init for some devices',
  refusalErrno: true,
  blockSizeBits: 32,
  restoreLimitsOrder: true,
  restoresRootFdt: true,
  extendsScratch: false,
  initcall: 'late_initcall',
  refusesScratch: false,
  readsNodes: false,
  namesScratch: false,
  scratchOnEachNode: true,
  marksWholePageblocks: false,
  sparesMappingPage: false,
  debugfsStyle: 'quoted',
};

const V6_19: Traits = {
  ...V6_18,
  mapReadBy: 'kho_populate',
  foundSuffix: '',
  restoresRootFdt: false,
  refusesScratch: true,
  initcall: 'fs_initcall',
  debugfsStyle: 'plain',
  scratchOnEachNode: false,
};

const V7_1: Traits = {
  ...V6_19,
  headerAlignment: true,
  mapName: 'memory map',
  refusalErrno: false,
  restoreLimitsOrder: false,
  readsNodes: true,
  namesScratch: true,
};

const V7_2: Traits = { ...V7_1, blockSizeBits: 64, marksWholePageblocks: true, sparesMappingPage: true };

const TRAITS: Readonly<Record<string, Traits>> = {
  '6.18': V6_18,
  '6.19': V6_19,
  '7.1': V7_1,
  '7.2': V7_2,
  '7.3': { ...V7_2, extendsScratch: true },
};

/** Releases whose source was read, oldest first. */
export const RECEIVERS: readonly string[] = Object.keys(TRAITS);

/**
 * @param name a release such as `7.1` or `7.1.13`, or a generation, which stands for its newest release
 * @throws KhoforgeError `RECEIVER_UNKNOWN`
 */
export function receiverOf(name: string): Receiver {
  const series = name.split(/[.-]/).slice(0, 2).join('.');
  const release = TRAITS[series] ? series : newestOf(name);
  const traits = release === undefined ? undefined : TRAITS[release];
  if (release !== undefined && traits) {
    return { release, generation: generationOfRelease(release), ...traits };
  }
  throw new KhoforgeError(
    'RECEIVER_UNKNOWN',
    `no receiver '${name}': expected a release (${RECEIVERS.join(', ')}) or a generation`,
    { hint: unknownHint(series) },
  );
}

/** A release that is known as a producer only is no slip of the keyboard. */
function unknownHint(series: string): string {
  const isProducer = GENERATIONS.some(({ releases }) => releases.includes(series));
  if (isProducer)
    return `what ${series} checks was not read from its source: the nearest that were are listed`;
  return didYouMean(series, RECEIVERS).hint ?? 'e.g. --receiver 7.3';
}

function newestOf(generation: string): string | undefined {
  return [...RECEIVERS].reverse().find((release) => {
    const own = generationOfRelease(release);
    return own.name === generation || compatibleOf(own) === generation;
  });
}

/** The kernel of a target: of a tree, the code of the release that it is nearest to with the tree's own ABI. */
export function receiverFor({ generation, tree }: Target, base: string): Receiver {
  const receiver = receiverOf(base);
  return tree ? { ...receiver, release: generation.name, generation, tree } : receiver;
}

/**
 * The newest kernel of a target's own generation: another may accept its images, and misread them.
 * @throws KhoforgeError `RECEIVER_UNKNOWN` when the source of none was read
 */
export function defaultReceiver(target: Target): Receiver {
  const { generation, tree } = target;
  if (tree) return receiverFor(target, tree.base);
  const own = [...generation.releases].reverse().find((release) => TRAITS[release]);
  if (own !== undefined) return receiverOf(own);
  const { name, releases } = generation;
  throw new KhoforgeError(
    'RECEIVER_UNKNOWN',
    `no receiver is known for images of ${name} (${releases.join(', ')}): their source was not read`,
    {
      hint: `--receiver ${newestOf(compatibleOf(generation)) ?? RECEIVERS.at(-1)} tells what that kernel makes of it`,
    },
  );
}
