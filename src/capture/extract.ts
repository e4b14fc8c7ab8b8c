import { pairs, unionOf } from '../memory/intervals.ts';
import { mapPages } from '../memory/map-pages.ts';
import { PhysicalMemory } from '../memory/physical-memory.ts';
import type { Region } from '../memory/regions.ts';
import { TracedMemory } from '../memory/traced-memory.ts';
import type { Image, Placement } from '../model/image.ts';
import { type Inspection, inspect } from '../receive/decode.ts';
import type { FoundHandover } from '../source/opened.ts';

export interface ExtractOptions {
  /** Also what the preserved folios hold; otherwise their addresses alone are taken. */
  readonly withContents?: boolean;
}

/**
 * The handover alone out of a machine's memory: root FDT, scratch array, memory map, blobs and what they lead to.
 * Nothing else leaves the host, not even the rest of a blob's page.
 */
export function extractHandover(image: Image, options: ExtractOptions = {}): Image {
  const traced = new TracedMemory(image.memory);
  const inspection = inspect({ ...image, memory: traced });
  const { memoryMap } = inspection;
  const map = memoryMap
    ? mapPages(image.target, image.memory, memoryMap).filter(({ isPresent }) => isPresent)
    : [];
  const contents = options.withContents ? preservedRegions(inspection) : [];
  // A memory that fetches has the bytes only after it was asked.
  for (const { start, size } of contents) image.memory.covers(start, Number(size));
  return {
    ...image,
    memory: copyOf(image.memory, unionOf([...traced.reads, ...map, ...contents])),
    placements: placementsOf(image, inspection),
  };
}

/**
 * What a next kernel can be booted on. The memory of a machine also holds the kernel that ran on it: of a dump only the
 * handover goes on. An image from a spec or a directory is taken as it is, right or deliberately wrong.
 */
export function bootableImage({ image, candidates }: Pick<FoundHandover, 'image' | 'candidates'>): Image {
  return candidates.length > 0 ? extractHandover(image, { withContents: true }) : image;
}

function preservedRegions({ walk }: Inspection): Region[] {
  const ranges = walk?.ranges ?? new BigUint64Array();
  return Array.from(pairs(ranges), ({ start, end }) => ({ start, size: end - start }));
}

/** What the memory has of the regions: nothing is copied until it is written. */
function copyOf(memory: PhysicalMemory, regions: readonly Region[]): PhysicalMemory {
  const copy = new PhysicalMemory(memory);
  for (const region of regions) copy.share(memory, region);
  return copy;
}

/** The structures that have a name, as a build has them. */
function placementsOf(image: Image, { fdt, memoryMap, subtrees }: Inspection): Placement[] {
  const { scratchAddr, scratchSize } = image.bootRecord;
  const page = BigInt(image.target.pageSize);
  return [
    ...(fdt ? [{ path: 'root-fdt', start: fdt.phys, size: page }] : []),
    ...(memoryMap ? [{ path: 'memory-map/root', start: memoryMap, size: page }] : []),
    ...subtrees.flatMap(({ name, phys, size }) =>
      phys === null ? [] : [{ path: name, start: phys, size: size ?? page }],
    ),
    ...(scratchSize > 0n ? [{ path: 'scratch', start: scratchAddr, size: scratchSize }] : []),
  ];
}
