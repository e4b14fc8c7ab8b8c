import type { ByteProgress } from '../base/progress.ts';
import { intersection } from '../memory/intervals.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { pieceEnd } from '../memory/physical-memory.ts';
import { type Region, regionEnd } from '../memory/regions.ts';
import type { Image } from '../model/image.ts';

/** Bytes of one run, so that no more is held in memory at a time. */
const MAX_RUN_SIZE = 16n << 20n;
/** Bytes that are read at a time. */
const BLOCK = 1 << 20;
const ZEROES = Buffer.alloc(BLOCK);

/** An image, of which only the memory matters. */
type MemoryOf = Pick<Image, 'memory' | 'target'>;

/** Pages one after the other: of zeroes alone, or of others. */
export interface PageRun extends Region {
  readonly zero: boolean;
  /** None for zeroes. */
  readonly parts: readonly Uint8Array[];
}

export interface RunOptions {
  /** Address of the first page; default 0. */
  readonly from?: bigint;
  /** How far the pages are; called when whoever asked for a run asks for the next. */
  readonly onProgress?: ((progress: ByteProgress) => void) | undefined;
}

/** The pages of an image's memory, ascending, as runs that are zero or not. */
export function* pageRuns(image: MemoryOf, { from = 0n, onProgress }: RunOptions = {}): Generator<PageRun> {
  const sizeOf = (regions: readonly Region[]) => regions.reduce((sum, { size }) => sum + size, 0n);
  const regions = pageRegions(image);
  const total = sizeOf(regions);
  let done = sizeOf(intersection(regions, [{ start: 0n, size: from }]));
  for (const run of runs(image, from)) {
    yield run;
    done += run.size;
    onProgress?.({ done, total });
  }
}

function* runs(image: MemoryOf, from: bigint): Generator<PageRun> {
  let run: { start: bigint; size: bigint; zero: boolean; parts: Uint8Array[] } | undefined;
  for (const { start, size, bytes } of stretches(image, from)) {
    const zero = bytes === undefined;
    for (let at = start; at < start + size; ) {
      const full = !zero && run !== undefined && run.size >= MAX_RUN_SIZE;
      if (!run || regionEnd(run) !== at || run.zero !== zero || full) {
        if (run) yield run;
        run = { start: at, size: 0n, zero, parts: [] };
      }
      const left = start + size - at;
      const room = MAX_RUN_SIZE - run.size;
      const length = !zero && room < left ? room : left;
      const done = Number(at - start);
      if (bytes) run.parts.push(bytes.subarray(done, done + Number(length)));
      run.size += length;
      at += length;
    }
  }
  if (run) yield run;
}

/** The same pages as regions, whatever they hold. */
export function pageRegions({ memory, target }: MemoryOf): Region[] {
  const page = BigInt(target.pageSize);
  const regions: { start: bigint; size: bigint }[] = [];
  for (const piece of memory.pieces) {
    const first = piece.start & ~(page - 1n);
    const end = (pieceEnd(piece) + page - 1n) & ~(page - 1n);
    const last = regions.at(-1);
    if (last && first <= regionEnd(last)) last.size = end - last.start;
    else regions.push({ start: first, size: end - first });
  }
  return regions;
}

/** Pages that are all zero, or all not: then with their bytes. */
interface Stretch extends Region {
  readonly bytes?: Buffer;
}

/** Those of a block that was read, and what is known to be zero without reading. */
function* stretches(image: MemoryOf, from: bigint): Generator<Stretch> {
  const { memory, target } = image;
  const page = BigInt(target.pageSize);
  for (const region of pageRegions(image)) {
    const end = regionEnd(region);
    for (let at = region.start > from ? region.start : from; at < end; ) {
      const zeroes = (memory.zeroUntil(at) & ~(page - 1n)) - at;
      if (zeroes > 0n) yield { start: at, size: zeroes };
      else yield* split(at, readBlock(memory, at, end), target.pageSize);
      at += zeroes > 0n ? zeroes : BigInt(Math.min(BLOCK, Number(end - at)));
    }
  }
}

function readBlock(memory: PhysicalMemory, at: bigint, end: bigint): Buffer {
  const bytes = memory.read(at, Math.min(BLOCK, Number(end - at)));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function* split(start: bigint, block: Buffer, pageSize: number): Generator<Stretch> {
  const isZero = (at: number, length: number) => ZEROES.compare(block, at, at + length, 0, length) === 0;
  const stretch = (at: number, end: number, zero: boolean): Stretch => ({
    start: start + BigInt(at),
    size: BigInt(end - at),
    ...(!zero && { bytes: block.subarray(at, end) }),
  });
  if (isZero(0, block.length)) {
    yield stretch(0, block.length, true);
    return;
  }
  let first = 0;
  let zero = false;
  for (let at = 0; at < block.length; at += pageSize) {
    const next = isZero(at, pageSize);
    if (next !== zero && at > first) yield stretch(first, at, zero);
    if (next !== zero) first = at;
    zero = next;
  }
  yield stretch(first, block.length, zero);
}
