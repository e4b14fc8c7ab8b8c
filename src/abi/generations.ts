import { KhoforgeError } from '../base/errors.ts';
import { maxPageOrder } from './page-order.ts';

/**
 * How the kernels of one version of the KHO ABI behave where no header says so, as data: what headers say is in their
 * profiles (Abi). Code asks the record; it never compares version strings. `name` is ours and unique; what the kernel
 * writes as `compatible` two records may share.
 */
export interface Generation {
  readonly name: string;
  /** Kernel releases that write it. */
  readonly releases: readonly string[];
  /**
   * Preserved memory map: a radix tree of pages (7.0 and later), or a chain of chunks that point to bitmaps
   * (6.16 to 6.19).
   */
  readonly memoryMap: { readonly kind: 'radix' | 'bitmap-chain' };
  /**
   * How the kernel assembles the root FDT: `sequential` writes it once with all subtrees at finalization,
   * `edited` writes an empty root and then opens, edits and packs it for each subtree.
   */
  readonly rootFdt: 'sequential' | 'edited';
  /**
   * What the successor gets from a kernel that was not finalized: `nothing`, since no boot record is attached, or a
   * root FDT with the memory map 0. From 7.0 on the map is always live: there an image with map 0 is only a test.
   */
  readonly beforeFinalization: 'nothing' | 'map-zero';
  /**
   * What its receivers make of a root FDT with the map 0, which no header tells: kho_populate() and kho_memory_init()
   * of 6.17 and 6.18 do not test for it, 6.19 does.
   */
  readonly mapZero?: 'accepted' | 'refused';
  /** Hands over the map 0 when it was not finalized (kernel/liveupdate/kexec_handover.c: kho_fill_kimage(), 6.19). */
  readonly sendsMapZero?: true;
  /** Bytes before `fdt_phys` in kho_in, where the structure begins with a pointer (kernel/kexec_handover.c, 6.17, 6.18). */
  readonly fdtPhysOffset?: number;
  /** Bytes of a block whose size these receivers compute in 32 bits, and so get wrong (deserialization in 7.1). */
  readonly blockLimit?: bigint;
  /** Bytes that a scratch region is aligned to and made of, for a page size. */
  readonly scratchAlignment: (target: { pageShift: 12 | 14 | 16 }) => bigint;
  /** Sizes for lowmem and global given with kho_scratch= are taken as they are, and global is what rounded lowmem leaves. */
  readonly verbatimScratch?: true;
  /** A range of pages is preserved in blocks that are each on one node. */
  readonly blocksWithinNode?: true;
  /** KHO turns itself off where a node has processors and no memory: it finds no scratch there. */
  readonly needsMemoryOnNodes?: true;
}

const ROOT = {
  memoryMap: { kind: 'radix' },
  rootFdt: 'edited', // kernel/liveupdate/kexec_handover.c: kho_add_subtree(), 7.3
  beforeFinalization: 'map-zero',
} as const;

/** What 6.16 to 6.19 have in common, which all write `kho-v1`. */
const V1 = {
  ...ROOT,
  memoryMap: { kind: 'bitmap-chain' },
  blockLimit: 2n << 30n, // kernel/kexec_handover.c, 6.17: deserialize_bitmap() computes a block's size in an int
  verbatimScratch: true, // kernel/liveupdate/kexec_handover.c: scratch_size_update(), 6.19
} as const;

/** A pageblock: CMA_MIN_ALIGNMENT_BYTES with the default options of x86_64 and arm64 (include/linux/cma.h, 7.1). */
const pageblock = ({ pageShift }: { pageShift: 12 | 14 | 16 }) =>
  ({ 12: 2n, 14: 32n, 16: 512n })[pageShift] << 20n;

/** PAGE_SIZE << MAX_PAGE_ORDER: SCRATCH_ALIGNMENT_BYTES (kernel/liveupdate/kexec_handover.c, 7.2). */
const largestBlock = (target: { pageShift: 12 | 14 | 16 }) =>
  1n << BigInt(target.pageShift + maxPageOrder(target));

/** What is meant where nobody says which. */
export const NEWEST: Generation = {
  ...ROOT,
  name: 'kho-v4',
  releases: ['7.2', '7.3'],
  blocksWithinNode: true,
  scratchAlignment: largestBlock,
};

/**
 * Oldest first. `kho-v1` is three records: 6.17 and 6.18 accept each other's image and misread it, because bitmaps
 * grew from 512 bytes to a page; 6.18 and 6.19 understand each other and write the root FDT differently.
 */
export const GENERATIONS: readonly Generation[] = [
  {
    ...V1,
    name: 'kho-v1-6.17',
    needsMemoryOnNodes: true, // kernel/kexec_handover.c: kho_reserve_scratch(), 6.17
    releases: ['6.16', '6.17'],
    scratchAlignment: pageblock,
    rootFdt: 'sequential', // kho_finalize() and kho_add_subtree(), 6.17
    beforeFinalization: 'nothing', // kho_fill_kimage() returns early, 6.17
    mapZero: 'accepted',
    fdtPhysOffset: 8,
  },
  {
    ...V1,
    name: 'kho-v1-6.18',
    needsMemoryOnNodes: true, // kho_reserve_scratch(), 6.18; 6.19 goes by N_MEMORY (commit 427b2535f513)
    releases: ['6.18'],
    scratchAlignment: pageblock,
    rootFdt: 'sequential', // kho_finalize() and kho_add_subtree(), kernel/kexec_handover.c, 6.18
    beforeFinalization: 'nothing', // kho_fill_kimage(), 6.18
    mapZero: 'accepted',
    fdtPhysOffset: 8,
  },
  {
    ...V1,
    name: 'kho-v1',
    releases: ['6.19'],
    mapZero: 'refused',
    sendsMapZero: true,
    scratchAlignment: pageblock,
  },
  {
    ...ROOT,
    name: 'kho-v2',
    releases: ['7.0'],
    blockLimit: 2n << 30n,
    scratchAlignment: pageblock,
  },
  {
    ...ROOT,
    name: 'kho-v3',
    releases: ['7.1'],
    blocksWithinNode: true, // kernel/liveupdate/kexec_handover.c: __kho_preserve_pages_order(), 7.1
    blockLimit: 2n << 30n,
    scratchAlignment: pageblock,
  },
  NEWEST,
];

/** Versions that are one digit apart are no slips of the hand, and one that is not known yet is often meant. */
const unknownHint = (newest: string) =>
  `the newest that is known is ${newest}; for a kernel that is not released: --target-tree DIR`;

/** @throws KhoforgeError `GENERATION_UNKNOWN` */
export function generationByName(name: string): Generation {
  const found = GENERATIONS.find((generation) => generation.name === name);
  if (found) return found;
  const names = GENERATIONS.map((generation) => generation.name);
  throw new KhoforgeError(
    'GENERATION_UNKNOWN',
    `unknown generation '${name}': expected ${names.join(', ')}`,
    {
      where: { spec: 'target.generation' },
      hint: unknownHint(NEWEST.name),
    },
  );
}

/** `7.3` of `7.3.4`. */
export const seriesOf = (release: string) => release.split(/[.-]/).slice(0, 2).join('.');

/** Undefined for a release that is not known. */
export function findGeneration(release: string): Generation | undefined {
  const series = seriesOf(release);
  return GENERATIONS.find((generation) => generation.releases.includes(series));
}

/** @throws KhoforgeError `GENERATION_UNKNOWN` */
export function generationOfRelease(release: string): Generation {
  const found = findGeneration(release);
  if (found) return found;
  const known = GENERATIONS.flatMap((generation) => generation.releases);
  throw new KhoforgeError(
    'GENERATION_UNKNOWN',
    `unknown release '${release}': expected ${known.join(', ')}`,
    {
      where: { spec: 'target.release' },
      hint: unknownHint(known.at(-1) ?? ''),
    },
  );
}
