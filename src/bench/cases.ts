/** Patterns of base pages, by their numbers in binding/bench/workload.h. */
export const PATTERNS = ['dense', 'half', 'one-percent', 'alternating'] as const;

/** What is preserved. `host` has folios of many orders, the others base pages. */
export const WORKLOADS = [...PATTERNS, 'host'] as const;
export type Workload = (typeof WORKLOADS)[number];

export const WORKLOAD_TEXT: Readonly<Record<Workload, string>> = {
  dense: 'every base page',
  half: 'each base page with a chance of 1/2',
  'one-percent': 'each base page with a chance of 1 %',
  alternating: '2 MiB of base pages, 2 MiB nothing',
  host: 'a host of virtual machines: by memory 60 % order 18, 35 % order 9, 5 % orders 0 to 8',
};

export const OPERATIONS = [
  'walk-ranges',
  'walk-pages',
  'build-ranges',
  'build-sorted',
  'build-unsorted',
] as const;
export type Operation = (typeof OPERATIONS)[number];

export const OPERATION_TEXT: Readonly<Record<Operation, string>> = {
  'walk-ranges': 'tree to coalesced ranges, in windows',
  'walk-pages': 'tree to one array of page numbers',
  'build-ranges': 'runs of folios to tree',
  'build-sorted': 'ascending page numbers to tree',
  'build-unsorted': 'page numbers in random order to tree',
};

/** One line of the table: every contender does it in turn. */
export interface BenchCase {
  readonly workload: Workload;
  readonly operation: Operation;
  /** Bytes of memory that the workload is spread over. */
  readonly size: number;
}

export const PAGE_SHIFT = 12;
/** Everything is preserved from here on. At 0, so that 16 TiB of page numbers fit in 32 bits. */
export const FIRST_PFN = 0;
/** Physical address of the tree. */
export const TREE_BASE = 1n << 32n;

const GiB = 2 ** 30;
const TiB = 2 ** 40;
export const SIZES = [64 * GiB, TiB, 16 * TiB] as const;

/** Bytes that a list of page numbers may have: two contenders hold one, and a machine of 16 GB is enough. */
const MAX_LIST_LENGTH = 2 * GiB;

/** Share of the base pages that is preserved, about. */
const SHARE: Readonly<Record<Workload, number>> = {
  dense: 1,
  half: 0.5,
  'one-percent': 0.01,
  alternating: 0.5,
  host: 0,
};

/** Why a case is not run; undefined when it is. */
export function leftOut({ workload, operation, size }: BenchCase): string | undefined {
  const scattered = workload === 'half' || workload === 'one-percent';
  if (operation === 'build-ranges' && scattered) return 'its ranges are single pages: see build-sorted';
  if (operation.startsWith('build-') && operation !== 'build-ranges' && workload === 'host') {
    return 'its folios are no base pages: see build-ranges';
  }
  if (operation === 'build-unsorted' && workload !== 'half' && workload !== 'one-percent') {
    return 'the order is all that is random: see half';
  }
  const pages = (size / 2 ** PAGE_SHIFT) * SHARE[workload];
  if (operation.startsWith('build-') && operation !== 'build-ranges' && pages * 8 > MAX_LIST_LENGTH) {
    return `memory: its list has ${Math.round((pages * 8) / GiB)} GiB`;
  }
  if (operation === 'walk-pages' && pages * 4 > MAX_LIST_LENGTH) {
    return `memory: its list has ${Math.round((pages * 4) / GiB)} GiB`;
  }
  return undefined;
}

/** Every combination, in the order of the table. */
export function casesOf(
  sizes: readonly number[],
  workloads: readonly Workload[],
  operations: readonly Operation[],
): BenchCase[] {
  return sizes.flatMap((size) =>
    operations.flatMap((operation) => workloads.map((workload) => ({ workload, operation, size }))),
  );
}
