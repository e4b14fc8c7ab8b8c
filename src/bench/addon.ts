import { addonBeside } from '../memory/native.ts';

/**
 * The calls of the benchmark's addon (binding/bench/addon.cc): the kernel's algorithm as the baseline, the workloads,
 * and the machine's own speed. All are synchronous, and arrays that are passed in are not kept.
 */
export interface BenchAddon {
  readonly interface: number;
  /** Zeroes in huge pages where the host has them, as a kernel's direct map is. @param size bytes */
  hugeBytes(size: number): Uint8Array;
  /** One bit per page. @param pattern index in PATTERNS @param bytes whole words */
  fill(pattern: number, seed: number, bytes: Uint8Array): void;
  /** Number of set bits. */
  count(bytes: Uint8Array): number;
  /** Numbers of the set bits, plus `base`. @param out as long as `count` says */
  list(bytes: Uint8Array, base: bigint, out: BigUint64Array): void;
  shuffle(seed: number, numbers: BigUint64Array): void;
  /** Folios of a host of virtual machines. @param pages of memory, from `basePfn` on */
  host(seed: number, basePfn: number, pages: number): { phys: BigUint64Array; orders: Uint8Array };
  /** Sum modulo 2^64. */
  sum(numbers: BigUint64Array): bigint;
  /** Reads every byte once. */
  streamRead(bytes: Uint8Array): number;
  streamWrite(bytes: Uint8Array): void;
  /** Takes as many bytes of memory, in huge pages and in small ones, touches them and gives them back. */
  useMemory(bytes: number): void;
  /**
   * Walks a tree in the kernel's way and coalesces what it calls back.
   * @param bytes the tree's pages, the root first @param base its physical address
   * @param window room for start, end, …; begun anew when it is full
   * @param summed 1: `sum` is of all starts and ends, modulo 2^64
   * @param merged 1: blocks of several orders, whose ranges are sorted and merged in the end
   */
  kernelWalkRanges(
    pageShift: number,
    depth: number,
    bytes: Uint8Array,
    base: bigint,
    window: BigUint64Array,
    summed: number,
    merged: number,
  ): { count: number; sum: bigint };
  /** Numbers of the blocks, 32 bits each, in `out`, which is begun anew when it is full. @returns how many */
  kernelWalkPages(pageShift: number, depth: number, bytes: Uint8Array, base: bigint, out: Uint8Array): number;
  /** Adds one key after the other. @param room for the pages of the tree @returns how many it took */
  kernelBuild(
    pageShift: number,
    depth: number,
    phys: BigUint64Array,
    orders: Uint8Array,
    counts: BigUint64Array,
    pages: BigUint64Array,
    room: Uint8Array,
  ): number;
}

/** Raised when a call of binding/bench changes. CMakeLists.txt gives this line's number to the addon. */
const INTERFACE = 1;

/** @throws KhoforgeError `ADDON_MISSING` (exit code 3) when it cannot be loaded */
export function benchNative(): BenchAddon {
  return addonBeside<BenchAddon>('khoforge_bench.node', INTERFACE);
}
