import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { Image } from '../model/image.ts';

/** Bytes of one run, so that no more is held in memory at a time. */
const LONGEST_RUN = 16 << 20;

/** Pages one after the other: of zeroes alone, or of others. */
export interface PageRun extends Region {
  readonly zero: boolean;
  /** None for zeroes. */
  readonly parts: readonly Uint8Array[];
}

/** The pages of an image's memory from `from` on, ascending, as runs that are zero or not. */
export function* pageRuns(image: Pick<Image, 'memory' | 'target'>, from = 0n): Generator<PageRun> {
  const { pageSize } = image.target;
  const page = BigInt(pageSize);
  const zeroes = new Uint8Array(pageSize);
  let run: { start: bigint; size: bigint; zero: boolean; parts: Uint8Array[] } | undefined;
  for (const address of pageAddresses(image.memory, page, from)) {
    const bytes = image.memory.read(address, pageSize);
    const zero = Buffer.compare(bytes, zeroes) === 0;
    const full = !zero && run !== undefined && run.parts.length * pageSize >= LONGEST_RUN;
    if (!run || regionEnd(run) !== address || run.zero !== zero || full) {
      if (run) yield run;
      run = { start: address, size: 0n, zero, parts: [] };
    }
    if (!zero) run.parts.push(bytes);
    run.size += page;
  }
  if (run) yield run;
}

/** The same pages as regions, whatever they hold. */
export function pageRegions({ memory, target }: Pick<Image, 'memory' | 'target'>): Region[] {
  const page = BigInt(target.pageSize);
  const regions: { start: bigint; size: bigint }[] = [];
  for (const { start, bytes } of memory.extents) {
    const first = start & ~(page - 1n);
    const end = (start + BigInt(bytes.length) + page - 1n) & ~(page - 1n);
    const last = regions.at(-1);
    if (last && first <= regionEnd(last)) last.size = end - last.start;
    else regions.push({ start: first, size: end - first });
  }
  return regions;
}

/** Every page from `from` on that some extent touches, once, ascending. */
function* pageAddresses(memory: PhysicalMemory, page: bigint, from: bigint): Generator<bigint> {
  let next = from;
  for (const { start, bytes } of memory.extents) {
    const first = start & ~(page - 1n);
    const end = start + BigInt(bytes.length);
    for (let at = first > next ? first : next; at < end; at += page) yield at;
    const last = (end + page - 1n) & ~(page - 1n);
    if (last > next) next = last;
  }
}
