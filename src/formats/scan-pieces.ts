import type { ByteProgress } from '../base/progress.ts';
import type { NativeScan } from '../memory/native.ts';

/** A range of a file. */
export interface FileRange {
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** Bytes of one call: a file in memory takes some 10 ms for them. */
const PIECE = 64 << 20;
/** Calls at most: a file of 64 TiB is mostly holes, and each call takes 10 us for them. */
const MAX_CALLS = 1 << 14;
/** Smallest page of any target. */
const PAGE = 4096;

type Kind = 'fdts' | 'records' | 'scratchArrays' | 'bootParams';
const KINDS: readonly Kind[] = ['fdts', 'records', 'scratchArrays', 'bootParams'];

/** Looks through ranges of a file, as `scanFile` of the addon does. */
type Scan = (offsets: BigUint64Array, sizes: BigUint64Array) => NativeScan;

export interface ScanOptions {
  /** Most hits of one kind, as `scan` has it too. */
  readonly limit: number;
  readonly onProgress?: (progress: ByteProgress) => void;
}

/** Finds what one call of `scan` over all ranges would find, in calls that are short. */
export function scanPieces(
  ranges: readonly FileRange[],
  scan: Scan,
  { limit, onProgress }: ScanOptions,
): NativeScan {
  const total = BigInt(ranges.reduce((sum, { size }) => sum + size, 0));
  const hits: Record<Kind, bigint[]> = { fdts: [], records: [], scratchArrays: [], bootParams: [] };
  let truncated = false;
  let done = 0n;
  const piece = Math.max(PIECE, Math.ceil(Number(total) / MAX_CALLS / PAGE) * PAGE);
  for (const { parts, size, follows } of piecesOf(ranges, piece)) {
    const offsets = BigUint64Array.from(parts, (part) => BigInt(part.offset));
    const last = parts.length - 1;
    const sizes = BigUint64Array.from(parts, (part, i) => BigInt(part.size + (i === last ? follows : 0)));
    const part = scan(offsets, sizes);
    // What begins behind the piece belongs to the next one.
    const end = (offsets[last] ?? 0n) + BigInt(parts[last]?.size ?? 0);
    truncated ||= part.truncated;
    for (const kind of KINDS) {
      for (const hit of part[kind]) {
        if (follows > 0 && hit >= end && hit < end + BigInt(follows)) continue;
        if (hits[kind].length < limit) hits[kind].push(hit);
        else truncated = true;
      }
    }
    done += BigInt(size);
    onProgress?.({ done, total });
  }
  if (total === 0n) onProgress?.({ done, total });
  return {
    fdts: BigUint64Array.from(hits.fdts),
    records: BigUint64Array.from(hits.records),
    scratchArrays: BigUint64Array.from(hits.scratchArrays),
    bootParams: BigUint64Array.from(hits.bootParams),
    truncated,
  };
}

interface Piece {
  readonly parts: readonly FileRange[];
  /** Bytes of all parts. */
  readonly size: number;
  /** Bytes behind the last part that are read with it: a record may begin at the end of a page and end in the next. */
  readonly follows: number;
}

/** Parts of ranges, up to `piece` bytes together: a dump may have thousands of small ranges. */
function* piecesOf(ranges: readonly FileRange[], piece: number): Generator<Piece> {
  let parts: FileRange[] = [];
  let size = 0;
  for (const range of ranges) {
    for (let at = 0; at < range.size; ) {
      // Whole pages, so that the next part begins at one.
      const room = Math.max(PAGE, Math.floor((piece - size) / PAGE) * PAGE);
      const length = Math.min(range.size - at, room);
      parts.push({ offset: range.offset + at, size: length });
      size += length;
      at += length;
      if (size < piece) continue;
      yield { parts, size, follows: Math.min(PAGE, range.size - at) };
      parts = [];
      size = 0;
    }
  }
  if (parts.length > 0) yield { parts, size, follows: 0 };
}
