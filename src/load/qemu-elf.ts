import type { Arch } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import { humanSize } from '../base/numbers.ts';
import type { ByteProgress } from '../base/progress.ts';
import { ET_EXEC, PF_R, PF_RWX, PT_LOAD, PT_NOTE } from '../elf/format.ts';
import { ownNote } from '../elf/own-note.ts';
import { headBytes, headSize, type ProgramHeader } from '../elf/write.ts';
import type { Extent, Made, Piece } from '../memory/physical-memory.ts';

/*
 * An ELF64 file that QEMU loads with `-kernel`: each PT_LOAD goes to its physical address, then the entry point is
 * called, after the firmware where there is one. It takes ELF64 and addresses above 4 GiB; tried on QEMU 7.2.
 */

/** Memory is written or left out in pieces of this many bytes. */
const PIECE = 4096;
/** QEMU walks its list of loaded parts for each one it adds: 30000 take it 1.4 s, 60000 take 5.3 s (7.2, measured). */
const MAX_LOADS = 30000;
/** QEMU holds the size of a kernel file in an int (hw/i386/x86.c: x86_load_linux()). */
const MAX_FILE_SIZE = 0x7fffffff;

/**
 * The file.
 * @param pieces sorted by address, without overlap; what of them is zero is not written, RAM starts as zero
 * @param entry physical address of the code that is entered
 * @param ramStart first address of RAM
 * @param onProgress how much of the pieces was looked at
 * @throws KhoforgeError `ELF_TOO_LARGE`
 */
export function qemuElf(
  arch: Arch,
  pieces: readonly Piece[],
  entry: bigint,
  ramStart: bigint,
  onProgress?: OnProgress,
): Uint8Array {
  const { bootElf, elfMachine } = ARCHITECTURES[arch];
  const loads = joinNearest(nonZeroRuns(pieces, onProgress), MAX_LOADS - Number(bootElf.fillsStartOfRam));
  if (bootElf.fillsStartOfRam && loads[0]?.start !== ramStart) {
    loads.unshift({ start: ramStart, size: 8, parts: [] });
  }
  return elfFile(loads, entry, elfMachine, Buffer.concat([bootElf.note(entry), ownNote('elf')]));
}

function elfFile(loads: readonly Load[], entry: bigint, machine: number, note: Uint8Array): Uint8Array {
  const noteAt = headSize(loads.length + 1);
  const size = loads.reduce((sum, load) => sum + load.size, noteAt + note.length);
  if (size > MAX_FILE_SIZE) throw tooLarge(humanSize(BigInt(size)));
  const raw = Buffer.alloc(size);
  raw.set(note, noteAt);
  let offset = noteAt + note.length;
  const memory = loads.map((load): ProgramHeader => {
    const at = offset;
    for (const part of load.parts) raw.set(part.bytes, at + Number(part.start - load.start));
    offset += load.size;
    return programHeader(PT_LOAD, PF_RWX, at, load.start, load.size);
  });
  const notes = programHeader(PT_NOTE, PF_R, noteAt, 0n, note.length);
  raw.set(headBytes({ type: ET_EXEC, machine, entry, programHeaders: [notes, ...memory] }));
  return raw;
}

function programHeader(
  type: number,
  flags: number,
  offset: number,
  phys: bigint,
  size: number,
): ProgramHeader {
  const align = type === PT_NOTE ? 4n : 1n;
  return { type, flags, offset, virt: phys, phys, size: BigInt(size), align };
}

/** One PT_LOAD: runs, and the zeros between them. */
interface Load {
  start: bigint;
  size: number;
  parts: Extent[];
}

const tooLarge = (size: string) =>
  new KhoforgeError(
    'ELF_TOO_LARGE',
    `the image has ${size} of memory that is not zero; QEMU loads up to 2 GiB`,
    {
      hint: 'preserve less, or leave contents zero',
    },
  );

type OnProgress = (progress: ByteProgress) => void;

/** The stretches of the pieces that are not zero. @throws KhoforgeError `ELF_TOO_LARGE` */
function nonZeroRuns(pieces: readonly Piece[], onProgress?: OnProgress): Extent[] {
  const runs: Extent[] = [];
  let made = 0;
  const total = pieces.reduce((sum, piece) => sum + BigInt(sizeOf(piece)), 0n);
  let done = 0n;
  for (const piece of pieces) {
    if ('bytes' in piece) runs.push(...nonZeroParts(piece));
    else {
      const told = (bytes: number) => onProgress?.({ done: done + BigInt(bytes), total });
      for (const run of madeRuns(piece, told)) {
        made += run.bytes.length;
        if (made > MAX_FILE_SIZE) throw tooLarge('more than 2 GiB');
        runs.push(run);
      }
    }
    done += BigInt(sizeOf(piece));
    onProgress?.({ done, total });
  }
  return runs;
}

const sizeOf = (piece: Piece): number => ('bytes' in piece ? piece.bytes.length : piece.size);

/** Bytes of contents that are made at a time. */
const BLOCK = 1 << 20;

/** Those of contents, which are held from here on. @param told called with the bytes that were looked at */
function* madeRuns(piece: Made, told: (bytes: number) => void): Generator<Extent> {
  const { contents, offset } = piece;
  let parts: Extent[] = [];
  for (let at = 0; at < piece.size; ) {
    const zeroes = Math.floor((contents.zeroUntil(offset + at) - offset - at) / PIECE) * PIECE;
    const length = Math.min(zeroes || BLOCK, piece.size - at);
    const start = piece.start + BigInt(at);
    const found = zeroes > 0 ? [] : nonZeroParts({ start, bytes: contents.read(offset + at, length) });
    for (const run of found) {
      if (parts.length > 0 && endOf(parts.at(-1)) !== run.start) {
        yield joined(parts);
        parts = [];
      }
      parts.push(run);
    }
    at += length;
    told(at);
  }
  if (parts.length > 0) yield joined(parts);
}

const joined = (parts: readonly Extent[]): Extent => ({
  start: parts[0]?.start ?? 0n,
  bytes: Buffer.concat(parts.map(({ bytes }) => bytes)),
});

function nonZeroParts({ start, bytes }: Extent): Extent[] {
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const zeros = Buffer.alloc(PIECE);
  const isZero = (at: number) => {
    const end = Math.min(at + PIECE, raw.length);
    return raw.compare(zeros, 0, end - at, at, end) === 0;
  };
  const runs: Extent[] = [];
  for (let at = 0; at < raw.length; at += PIECE) {
    if (isZero(at)) continue;
    const from = at;
    while (at < raw.length && !isZero(at)) at += PIECE;
    runs.push({ start: start + BigInt(from), bytes: raw.subarray(from, at) });
  }
  return runs;
}

/** Joins runs across the smallest gaps, zeros and all, until there are at most `limit` loads. */
function joinNearest(runs: readonly Extent[], limit: number): Load[] {
  const gap = (i: number) => Number((runs[i]?.start ?? 0n) - endOf(runs[i - 1]));
  const byGap = runs.length > limit ? runs.map((_, i) => i).sort((a, b) => gap(a) - gap(b)) : [];
  const joined = new Set(byGap.filter((i) => i > 0).slice(0, runs.length - limit));
  const loads: Load[] = [];
  runs.forEach((run, i) => {
    const last = loads.at(-1);
    if (last && joined.has(i)) {
      last.size = Number(run.start - last.start) + run.bytes.length;
      last.parts.push(run);
    } else loads.push({ start: run.start, size: run.bytes.length, parts: [run] });
  });
  return loads;
}

const endOf = (run: Extent | undefined): bigint => (run ? run.start + BigInt(run.bytes.length) : 0n);
