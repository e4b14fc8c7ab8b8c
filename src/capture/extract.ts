import { ExitCode, KhoforgeError } from '../base/errors.ts';
import { hex, humanSize } from '../base/numbers.ts';
import { intersection, pairs, unionOf } from '../memory/intervals.ts';
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
  const pages = memoryMap ? mapPages(image.target, image.memory, memoryMap) : [];
  const map = pages.filter(({ isPresent }) => isPresent);
  const contents = options.withContents ? preservedRegions(inspection) : [];
  // A memory that fetches has the bytes only after it was asked.
  for (const { start, size } of contents) image.memory.covers(start, Number(size));
  const { absent, ...rest } = image;
  const lost = intersection(absent ?? [], unionOf([...traced.reads, ...pages, ...contents]));
  return {
    ...rest,
    ...(lost.length > 0 && { absent: lost }),
    memory: copyOf(image.memory, unionOf([...traced.reads, ...map, ...contents])),
    placements: placementsOf(image, inspection),
  };
}

/**
 * What a next kernel can be booted on. The memory of a machine also holds the kernel that ran on it: of a dump only the
 * handover goes on. An image from a spec or a directory is taken as it is, right or deliberately wrong.
 * @throws KhoforgeError `RAM_UNKNOWN`
 */
export function bootableImage({ image, candidates }: Pick<FoundHandover, 'image' | 'candidates'>): Image {
  if (image.ram.length === 0) {
    throw new KhoforgeError(
      'RAM_UNKNOWN',
      'the image does not tell its RAM, so no machine can be made for it',
      {
        hint: 'take it from a dump of all memory, or from a core that khoforge built since 0.2',
        exitCode: ExitCode.badInput,
      },
    );
  }
  return candidates.length > 0 ? extractHandover(image, { withContents: true }) : image;
}

/** What a capture lacks, for people; nothing where it is whole. */
export function captureNotes({ ram, ramGuessed, absent = [] }: Image): string[] {
  const [first] = absent;
  const bytes = humanSize(absent.reduce((sum, { size }) => sum + size, 0n));
  return [
    ...(first === undefined
      ? []
      : [
          `MEMORY_ABSENT: ${bytes} of what the handover leads to is not in the dump, the first at ${hex(first.start)}: it is taken for zeroes`,
        ]),
    ...(ram.length === 0 ? ['RAM_UNKNOWN: the capture can be verified, and cannot be booted'] : []),
    ...(ramGuessed ? ['RAM_GUESSED: a boot of the capture has as much RAM as the dump reaches over'] : []),
  ];
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
