import type { Arch } from '../abi/target.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import type { Segment } from '../arch/placer.ts';
import type { Unpacked } from '../arch/unpack-list.ts';
import { KhoforgeError } from '../base/errors.ts';
import { alignUp, hex, humanSize, toNumber } from '../base/numbers.ts';
import { pageRuns } from '../formats/page-runs.ts';
import { intersection, pairs, unionOf, without } from '../memory/intervals.ts';
import { placeSegment } from '../memory/place-segment.ts';
import type { Region } from '../memory/regions.ts';
import type { Image } from '../model/image.ts';
import { inspect } from '../receive/decode.ts';
import { kexecSegments, type SegmentsOptions } from './segments.ts';

/** One segment for kexec_load(2), in the words of `struct kexec_segment` (include/uapi/linux/kexec.h, 7.3). */
export interface LoadSegment {
  readonly name: Segment['name'] | 'handover';
  /** Physical address, a multiple of a page. */
  readonly mem: bigint;
  /** Bytes, whole pages; what the buffer does not reach is zero. */
  readonly memsz: bigint;
  /** Bytes of the buffer. */
  readonly bufsz: number;
  /** The rule that put it there, for people. */
  readonly why: string;
  /** The buffer, in parts. */
  chunks(): Iterable<Uint8Array>;
}

/** What kexec_load(2) takes, so that the next kernel finds the handover. */
export interface KexecLoad {
  readonly arch: Arch;
  /** Address of the first instruction: that of the stub in the segment `handover`. */
  readonly entry: bigint;
  readonly segments: readonly LoadSegment[];
  /** All memory that is written, by the jump or by the stub: it has to be RAM. */
  readonly writes: readonly Region[];
  /** RAM that the next kernel is told of. */
  readonly ram: readonly Region[];
  /** Version text of the kernel file; may be empty. */
  readonly kernelVersion: string;
  /** Permission bits of what is written of it; see `Image.mode`. */
  readonly mode?: number | undefined;
}

const MiB = 1n << 20n;
const LOW = { start: 0n, size: 4n << 30n };

/**
 * A handover as segments for kexec_load(2): kernel, initrd and boot parameters where kexec_file_load() would put them,
 * and the handover packed behind a stub, in memory that nothing is handed over in. Preserved memory of which the image
 * knows nothing is zeroed, as a machine that was just switched on has it.
 * @throws KhoforgeError `KEXEC_NO_ROOM`, and of kexecSegments()
 */
export function planKexecLoad(image: Image, options: SegmentsOptions): KexecLoad {
  const { arch } = image.target;
  const pageSize = BigInt(image.target.pageSize);
  const { segments, kernelVersion } = kexecSegments(image, options);
  const places = segments.map(({ start, size }) => ({ start, size: alignUp(size, pageSize) }));
  const runs = Array.from(pageRuns(image), ({ start, size, zero }) => ({ start, size, zero }));
  const copies = runs.filter(({ zero }) => !zero);
  const cleared = intersection([...runs.filter(({ zero }) => zero), ...preserved(image)], image.ram);
  const zeroes = without(cleared, [...copies, ...places]);

  const mapped = unionOf([LOW, ...image.ram, ...places]);
  const pieces = copies.length + zeroes.length;
  const { unpackStub, parameters } = ARCHITECTURES[arch];
  const stubSize = unpackStub.size(pieces, mapped);
  const head = alignUp(stubSize, pageSize);
  const size = copies.reduce((sum, copy) => sum + copy.size, head);
  const { address, why } = placeHandover(image, size, [...copies, ...zeroes, ...places]);
  const unpacked = [...fromPacked(copies, address + head), ...zeroes];
  const at = (wanted: Segment['name']) => segments.find(({ name }) => name === wanted)?.start ?? 0n;
  const stub = unpackStub.make({
    address,
    unpacked,
    mapped,
    kernel: at('kernel'),
    parameters: at(parameters),
  });
  const handover: LoadSegment = {
    name: 'handover',
    mem: address,
    memsz: size,
    bufsz: toNumber(size, 'bytes of the handover'),
    why,
    *chunks() {
      yield Buffer.concat([stub, Buffer.alloc(toNumber(head - stubSize, 'bytes of a page'))]);
      for (const { parts } of pageRuns(image)) yield* parts;
    },
  };
  return {
    arch,
    entry: address,
    segments: [...segments.map((segment) => loadSegment(segment, pageSize)), handover],
    writes: unionOf([...places, ...unpacked, { start: address, size }]),
    ram: image.ram,
    kernelVersion,
    mode: image.mode,
  };
}

/** All memory that the map of the image preserves, where it can be read. */
function preserved(image: Image): Region[] {
  const ranges = inspect(image).walk?.ranges ?? new BigUint64Array();
  return Array.from(pairs(ranges), ({ start, end }) => ({ start, size: end - start }));
}

/** Where each copy comes from: they are packed one after the other. */
function fromPacked(copies: readonly Region[], packed: bigint): Unpacked[] {
  let from = packed;
  return copies.map(({ start, size }) => {
    from += size;
    return { start, size, from: from - size };
  });
}

/** In free memory, or else in scratch: the next kernel takes both for empty. */
function placeHandover(
  { ram, scratch, target }: Image,
  memsz: bigint,
  taken: readonly Region[],
): { address: bigint; why: string } {
  const request = { scratch: ram, memsz, min: MiB, topDown: true, pageSize: target.pageSize };
  const free = placeSegment({ ...request, occupied: unionOf([...taken, ...scratch]) });
  if (free !== undefined) return { address: free, why: 'highest free place in the first RAM that has one' };
  const address = placeSegment({ ...request, occupied: unionOf(taken) });
  if (address !== undefined)
    return { address, why: 'nothing outside scratch is free: highest place in scratch' };
  const message = `no room in RAM for the packed handover: ${humanSize(memsz)} (${hex(memsz)}) in one piece`;
  throw new KhoforgeError('KEXEC_NO_ROOM', message, {
    where: { spec: 'ram' },
    hint: 'enlarge `ram`, or preserve less',
  });
}

function loadSegment({ name, start, size, bytes, why }: Segment, page: bigint): LoadSegment {
  return { name, mem: start, memsz: alignUp(size, page), bufsz: bytes.length, why, chunks: () => [bytes] };
}
