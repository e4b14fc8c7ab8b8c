import { z } from 'zod';
import { KhoforgeError } from '../../base/errors.ts';
import { alignUp, hex, isAligned } from '../../base/numbers.ts';
import { integer, size } from '../../base/spec-values.ts';
import { contentShape, contentsOf, isOneSource } from '../../emit/content.ts';
import { type Contents, ZEROES } from '../../memory/contents.ts';

const order = integer(0, 63, 'order of the folios that hold it').optional();

const piece = z
  .strictObject({
    ...contentShape,
    zero: size.optional().meta({ description: 'bytes that are zero, but in folios: no hole' }),
    at: size.optional().meta({ description: 'where in the file; default: where the one before ends' }),
    order,
  })
  .refine(({ zero, ...source }) => isOneSource(source) !== (zero !== undefined), {
    error: () => 'one of: file, text, bytes, seed with size, or zero',
  })
  .meta({ description: 'bytes of the file: file, text, bytes, seed with size, or zero' });

/** What a memfd holds: one piece, or several with holes between them. */
export const memfdContent = z.union([piece, z.array(piece)], {
  error: () => 'one of: file, text, bytes, seed with size, or zero; or a list of such with at',
});

type Piece = z.output<typeof piece>;

/** Folios of one order, side by side in the file. */
export interface FolioRun {
  /** First page in the file. */
  readonly index: bigint;
  readonly order: number;
  readonly count: number;
  /** Bytes of the folios; what is missing at their end is zero. */
  readonly contents: Contents;
}

export interface LayoutOptions {
  readonly pageSize: bigint;
  /** Of folios whose piece tells none. */
  readonly order: number;
  readonly baseDir: string;
}

/**
 * The folios that hold the pieces, ascending in the file.
 * @param path of the file, for errors
 * @throws KhoforgeError `MEMFD_LAYOUT`, `FILE_UNREADABLE`
 */
export function layOutContent(
  pieces: readonly Piece[],
  path: string,
  options: LayoutOptions,
): { runs: FolioRun[]; end: bigint } {
  const placed = placePieces(pieces, path, options);
  const runs = placed.map(({ start, length, order, contents }): FolioRun => {
    const folio = options.pageSize << BigInt(order);
    const count = Number(alignUp(length, folio) / folio);
    return { index: start / options.pageSize, order, count, contents };
  });
  // Ascending and apart from each other: the last one ends last.
  const last = placed.at(-1);
  const end = last ? last.start + last.length : 0n;
  return { runs, end };
}

interface PlacedPiece {
  readonly start: bigint;
  /** Bytes of content; its folios may be longer. */
  readonly length: bigint;
  readonly order: number;
  readonly contents: Contents;
}

function placePieces(pieces: readonly Piece[], path: string, options: LayoutOptions): PlacedPiece[] {
  const placed: PlacedPiece[] = [];
  let end = 0n;
  for (const { at, order = options.order, zero, ...source } of pieces) {
    const folio = options.pageSize << BigInt(order);
    const start = at ?? alignUp(end, folio);
    if (!isAligned(start, folio)) {
      throw wrong(
        path,
        `content at ${hex(start)}: a folio of order ${order} starts at a multiple of ${hex(folio)}`,
      );
    }
    const contents = zero === undefined ? contentsOf(source, options.baseDir) : ZEROES;
    const length = zero ?? BigInt(contents.size);
    end = start + alignUp(length, folio);
    if (length > 0n) placed.push({ start, length, order, contents });
  }
  placed.sort((a, b) => (a.start < b.start ? -1 : 1));
  placed.forEach(({ start, length, order }, i) => {
    const next = placed[i + 1];
    if (next && next.start < start + alignUp(length, options.pageSize << BigInt(order))) {
      throw wrong(path, `content at ${hex(next.start)} is in a folio of the content at ${hex(start)}`);
    }
  });
  return placed;
}

/** The same with zeroed folios of one page in every hole below `size`, as memfd_pin_folios() leaves no hole (7.3). */
export function fillHoles(runs: readonly FolioRun[], size: bigint, pageSize: bigint): FolioRun[] {
  const filled: FolioRun[] = [];
  let next = 0n;
  const fill = (until: bigint) => {
    if (until > next) filled.push({ index: next, order: 0, count: Number(until - next), contents: ZEROES });
  };
  for (const run of runs) {
    fill(run.index);
    filled.push(run);
    next = run.index + (BigInt(run.count) << BigInt(run.order));
  }
  fill(alignUp(size, pageSize) / pageSize);
  return filled;
}

function wrong(path: string, text: string): KhoforgeError {
  return new KhoforgeError('MEMFD_LAYOUT', `${path}: ${text}`, {
    where: { path },
    hint: 'give the content another at, or another order',
  });
}
