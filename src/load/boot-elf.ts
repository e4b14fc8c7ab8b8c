import type { Segment } from '../arch/placer.ts';
import { KhoforgeError } from '../base/errors.ts';
import { hex, overlaps, toNumber } from '../base/numbers.ts';
import type { ByteProgress } from '../base/progress.ts';
import { pageRegions } from '../formats/page-runs.ts';
import type { Machine } from '../memory/machine.ts';
import { type PhysicalMemory, type Piece, pieceEnd } from '../memory/physical-memory.ts';
import { isWithin, type Region, regionEnd } from '../memory/regions.ts';
import type { Image } from '../model/image.ts';
import { qemuElf } from './qemu-elf.ts';
import { bootSegments, type SegmentsOptions, withSegments } from './segments.ts';

export interface BootElf {
  /** For `-kernel` of QEMU. */
  readonly elf: Uint8Array;
  /** In the order they were placed. */
  readonly segments: readonly Omit<Segment, 'bytes'>[];
  readonly machine: Machine;
  /** Version text of the kernel file; may be empty. */
  readonly kernelVersion: string;
}

export interface BootElfOptions extends SegmentsOptions {
  /** How much of the memory is in the file. */
  readonly onProgress?: (progress: ByteProgress) => void;
}

/**
 * Memory as it is when the receiving kernel takes over after kexec: the handover, and the kernel loaded into
 * scratch, as one file that QEMU starts.
 * @throws KhoforgeError `KERNEL_NOT_BZIMAGE`, `KERNEL_NOT_IMAGE`, `KERNEL_UNSUPPORTED`, `KEXEC_NO_ROOM`, `RAM_NOT_QEMU`,
 * `OUTSIDE_RAM`, and of `machineTree`
 */
export function buildBootElf(image: Image, { onProgress, ...options }: BootElfOptions): BootElf {
  const { segments, machine, kernelVersion } = bootSegments(image, options);
  const pieces = merge(image.memory.pieces, segments);
  for (const piece of pieces) checkInRam(piece, machine);
  const elf = entryElf(image, pieces, segments, machine, onProgress);
  return { elf, segments: segments.map(withoutBytes), machine, kernelVersion };
}

/** A boot whose memory is loaded piece by piece. */
export interface BootParts {
  /** For `-kernel` of QEMU: the code that enters the kernel. */
  readonly elf: Uint8Array;
  /** The image with all that is loaded in its memory, but that code. */
  readonly image: Image;
  /** Where regions of it begin that the ELF has as well. */
  readonly inElf: readonly bigint[];
  readonly segments: BootElf['segments'];
  readonly machine: Machine;
}

/**
 * As buildBootElf(), with the memory apart from the entry. Where QEMU's virt machine would put a device tree of its own,
 * at the start of RAM, its ELF has to have something: what belongs there.
 * @throws KhoforgeError as buildBootElf()
 */
export function buildBootParts(image: Image, options: SegmentsOptions): BootParts {
  const { segments, machine } = bootSegments(image, options);
  for (const piece of merge(image.memory.pieces, segments)) checkInRam(piece, machine);
  const isStub = ({ name }: Segment) => name === 'entry stub';
  const loaded = withSegments(
    image,
    segments.filter((segment) => !isStub(segment)),
  );
  const start = machine.banks[0]?.start ?? 0n;
  const own = pageRegions(loaded).filter((region) => isWithin([region], start, start + 1n));
  const first = own.map((region) => asOne(loaded.memory, region));
  const elf = entryElf(image, merge(first, segments.filter(isStub)), segments, machine);
  return {
    elf,
    image: loaded,
    inElf: own.map((region) => region.start),
    segments: segments.map(withoutBytes),
    machine,
  };
}

/** An ELF that QEMU loads and enters at the entry stub, with the pieces in it. */
function entryElf(
  { target }: Image,
  pieces: readonly Piece[],
  segments: readonly Segment[],
  { banks: [bank] }: Machine,
  onProgress?: (progress: ByteProgress) => void,
): Uint8Array {
  const entry = segments.find(({ name }) => name === 'entry stub')?.start ?? 0n;
  return qemuElf(target.arch, pieces, entry, bank?.start ?? 0n, onProgress);
}

function merge(pieces: readonly Piece[], segments: readonly Segment[]): Piece[] {
  const all = [...pieces, ...segments.filter((segment) => segment.bytes.length > 0)];
  return all.sort((a, b) => (a.start < b.start ? -1 : 1));
}

/** Bytes elsewhere would get lost: there is no RAM, or the firmware writes over it before the kernel runs. */
function checkInRam(piece: Piece, machine: Machine): void {
  const { start } = piece;
  const end = pieceEnd(piece);
  const lost = machine.scribbled.some((part) => overlaps(start, end, part.start, regionEnd(part)));
  if (isWithin(machine.usable, start, end) && !lost) return;
  const list = (regions: readonly Region[]) =>
    regions.map((region) => `${hex(region.start)}-${hex(regionEnd(region))}`).join(', ');
  const but = machine.scribbled.length > 0 ? ` without ${list(machine.scribbled)}` : '';
  throw new KhoforgeError(
    'OUTSIDE_RAM',
    `the image has bytes at ${hex(start)}-${hex(end)}; on this machine only ${list(machine.usable)}${but} reach the kernel as loaded`,
    {
      where: { phys: start },
      hint: 'place it at 1 MiB or above, inside `ram` and not where firmware works: it writes there first',
    },
  );
}

/** A region as one piece, whatever it is made of. */
function asOne(memory: PhysicalMemory, region: Region): Piece {
  const { start } = region;
  const size = toNumber(region.size, 'bytes at the start of RAM');
  const contents = {
    size,
    zeroUntil: (offset: number) => Number(memory.zeroUntil(start + BigInt(offset)) - start),
    read: (offset: number, length: number) => memory.read(start + BigInt(offset), length),
  };
  return { start, size, contents, offset: 0 };
}

function withoutBytes({ name, start, size, why }: Segment): Omit<Segment, 'bytes'> {
  return { name, start, size, why };
}
