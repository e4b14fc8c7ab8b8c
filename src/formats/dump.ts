import type { Arch, Endian } from '../abi/target.ts';
import { hex } from '../base/numbers.ts';
import type { ByteProgress } from '../base/progress.ts';
import { lowerBound } from '../memory/intervals.ts';
import { PhysicalMemory } from '../memory/physical-memory.ts';
import type { Region } from '../memory/regions.ts';
import type { Image } from '../model/image.ts';
import type { MappedFile } from './mapped-file.ts';
import type { FileRange } from './scan-pieces.ts';

/** What is odd about a source, and how it was read all the same. */
export interface SourceNote {
  /** Stable, e.g. `SEGMENT_OVERLAP`. */
  readonly code: string;
  readonly text: string;
}

/** A run of bytes in a file that stands at a physical address. */
export interface FileSegment extends FileRange {
  readonly start: bigint;
}

/** The memory of a machine in a file. */
export interface Dump {
  readonly kind: 'ELF core' | 'raw dump';
  readonly file: MappedFile;
  /** Ascending by address, without overlap, all within the file. */
  readonly segments: readonly FileSegment[];
  /** What it tells of as memory, whether its bytes are in the file or not. Ascending, merged. */
  readonly reach: readonly Region[];
  /** RAM, where the dump tells. */
  readonly ram?: readonly Region[];
  /** What of `reach` has no bytes in the file. */
  readonly absent?: readonly Region[];
  /** The file ends before the memory that it tells of. */
  readonly cutShort?: true;
  readonly arch?: Arch;
  readonly endian?: Endian;
  /** Bytes of a page, where the dump tells. */
  readonly pageSize?: number;
  /** Release of the dumped kernel, where the dump tells. */
  readonly release?: string;
  /** The text of its VMCOREINFO note, where it has one. */
  readonly vmcoreinfo?: string;
  readonly notes: readonly SourceNote[];
}

/** Notes of one kind that are listed one by one. */
const SHOWN = 4;

/** Sorts segments and cuts away what overlaps or is not in the file: the first one at an address is kept. */
export function tidySegments(
  segments: readonly FileSegment[],
  file: Pick<MappedFile, 'size' | 'read'>,
): { segments: FileSegment[]; notes: SourceNote[] } {
  const tidy: FileSegment[] = [];
  const overlaps: string[] = [];
  const cut: string[] = [];
  let end = 0n;
  let compared = 0;
  for (const segment of [...segments].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))) {
    const within = insideFile(segment, file.size);
    if (within.size < segment.size) cut.push(place(segment));
    const rest = after(within, end, tidy.at(-1));
    if (rest.overlaps && !(compared++ < MAX_COMPARED && isSame(within, end, tidy.at(-1), file))) {
      overlaps.push(place(segment));
    }
    if (rest.segment.size === 0) continue;
    tidy.push(rest.segment);
    end = rest.segment.start + BigInt(rest.segment.size);
  }
  const notes = [
    ...gather('FILE_TRUNCATED', 'the file ends before the memory it tells of', cut),
    ...gather('SEGMENT_OVERLAP', 'memory that the file has twice, with other bytes', overlaps),
  ];
  return { segments: tidy, notes };
}

/** No address is above 2^64, and no byte beyond the end of the file. */
function insideFile(segment: FileSegment, fileSize: number): FileSegment {
  const room = Math.max(0, fileSize - segment.offset);
  const space = Number((1n << 64n) - segment.start);
  return { ...segment, size: Math.min(segment.size, room, space) };
}

/** The part of a segment from `end` on. The same bytes once more, as for a second mapping, are no overlap. */
function after(segment: FileSegment, end: bigint, previous: FileSegment | undefined) {
  if (segment.size === 0 || segment.start >= end) return { segment, overlaps: false };
  const skip = Math.min(segment.size, Number(end - segment.start));
  const same = previous && Number(segment.start - previous.start) === segment.offset - previous.offset;
  const rest = {
    start: segment.start + BigInt(skip),
    offset: segment.offset + skip,
    size: segment.size - skip,
  };
  return { segment: rest, overlaps: !same };
}

/** Overlaps whose bytes are compared, and bytes of each: what is more is reported as an overlap. */
const MAX_COMPARED = 64;
const MAX_COMPARED_BYTES = 64 << 10;

/** Whether a segment has below `end` what the one before has there. */
function isSame(
  segment: FileSegment,
  end: bigint,
  previous: FileSegment | undefined,
  file: Pick<MappedFile, 'read'>,
): boolean {
  const length = Math.min(segment.size, Number(end - segment.start));
  if (!previous || segment.start < previous.start || length > MAX_COMPARED_BYTES) return false;
  const offset = previous.offset + Number(segment.start - previous.start);
  return file.read(segment.offset, length).equals(file.read(offset, length));
}

const place = ({ start, size }: FileSegment) => `${hex(start)}-${hex(start + BigInt(size))}`;

function gather(code: string, text: string, places: readonly string[]): SourceNote[] {
  if (places.length === 0) return [];
  const more = places.length > SHOWN ? ` and ${places.length - SHOWN} more` : '';
  return [{ code, text: `${text}: ${places.slice(0, SHOWN).join(', ')}${more}` }];
}

/** The memory itself, mapped from the file where somebody looks at it. */
export function dumpMemory({ file, segments }: Dump): PhysicalMemory {
  const memory = new PhysicalMemory();
  for (const segment of segments) file.mapInto(memory, segment.start, segment);
  return memory;
}

/** The image with what the dump tells beside memory: what its kernel left for debuggers, and what it lacks. */
export function withFacts(image: Image, { vmcoreinfo, absent, cutShort }: Dump): Image {
  return {
    ...image,
    ...(vmcoreinfo !== undefined && { vmcoreinfo }),
    ...(absent && { absent }),
    ...(cutShort && { cutShort }),
  };
}

/** Physical addresses of what looks like a part of a handover; each has to be looked at. */
export interface ScanHits {
  /** Pages that begin with the header of a device tree. */
  readonly fdts: readonly bigint[];
  /** x86: setup_data records of type SETUP_KEXEC_KHO. */
  readonly records: readonly bigint[];
  /** Pages that hold scratch entries, then zeroes. */
  readonly scratchArrays: readonly bigint[];
  /** x86: pages that hold boot_params. */
  readonly bootParams: readonly bigint[];
  readonly truncated: boolean;
}

/** Of memory that was not searched. */
export const NO_HITS: ScanHits = {
  fdts: [],
  records: [],
  scratchArrays: [],
  bootParams: [],
  truncated: false,
};

/** Smallest page of any target. */
const PAGE = 4096n;

/**
 * Looks through a whole dump, holes excepted.
 * @param onScan called after each piece of the dump
 * @throws KhoforgeError `FILE_UNREADABLE`
 */
export function scanDump({ file, segments }: Dump, onScan?: (progress: ByteProgress) => void): ScanHits {
  const once = eachByteOnce(segments);
  const ranges = once.map(({ start, offset, size }) => {
    const skip = Math.min(size, Number((PAGE - (start % PAGE)) % PAGE));
    return { offset: offset + skip, size: size - skip };
  });
  const hits = file.scan(ranges, onScan);
  const byOffset = once.toSorted((a, b) => a.offset - b.offset);
  const phys = (offsets: BigUint64Array) => Array.from(offsets, (offset) => physOf(byOffset, Number(offset)));
  return {
    fdts: phys(hits.fdts),
    records: phys(hits.records),
    scratchArrays: phys(hits.scratchArrays),
    bootParams: phys(hits.bootParams),
    truncated: hits.truncated,
  };
}

/**
 * Segments without what another one has of the same bytes of the file: there may be any number of those, of all of it.
 * @returns by address
 */
function eachByteOnce(segments: readonly FileSegment[]): FileSegment[] {
  let end = 0;
  const once = segments
    .toSorted((a, b) => a.offset - b.offset || b.size - a.size)
    .flatMap(({ start, offset, size }): FileSegment[] => {
      const skip = Math.max(0, end - offset);
      if (skip >= size) return [];
      end = offset + size;
      return [{ start: start + BigInt(skip), offset: offset + skip, size: size - skip }];
    });
  return once.sort((a, b) => (a.start < b.start ? -1 : 1));
}

/** The address of a byte of the file. */
function physOf(byOffset: readonly FileSegment[], offset: number): bigint {
  const next = lowerBound(byOffset.length, (i) => (byOffset[i]?.offset ?? 0) > offset);
  const segment = byOffset[Math.max(0, next - 1)];
  return segment ? segment.start + BigInt(offset - segment.offset) : 0n;
}
