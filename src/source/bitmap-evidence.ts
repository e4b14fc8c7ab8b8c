import { chainBitmapBytes } from '../abi/chain.ts';
import type { Generation } from '../abi/generations.ts';
import { generationsWith, makeTarget, type Target } from '../abi/target.ts';
import { hex, overlaps } from '../base/numbers.ts';
import { pairs } from '../memory/intervals.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { regionEnd } from '../memory/regions.ts';
import { walkMemoryMap } from '../memory/walk-map.ts';
import type { Image } from '../model/image.ts';

/**
 * How long the bitmaps of an image are, by what it holds. Kernels with bitmaps of 512 bytes and of a page write the
 * same compatible string, so that no receiver can tell.
 */
export interface BitmapEvidence {
  /**
   * `agrees`: only the target's size is possible. `ambiguous`: another is as well. `contradicts`: the target's size
   * is not possible, whatever it says.
   */
  readonly verdict: 'agrees' | 'ambiguous' | 'contradicts';
  /** Bytes of a bitmap that nothing speaks against, ascending; none when all are contradicted. */
  readonly possible: readonly number[];
  /** Names of the generations with such bitmaps and this compatible string. */
  readonly generations: readonly string[];
  /** The first fact that rules out each other size, in words. */
  readonly reasons: readonly string[];
}

/** What the evidence is found in. */
type ChainImage = Pick<Image, 'target' | 'memory' | 'scratch'>;

/** An element of a chunk, with the chunk's order. */
interface Element {
  readonly chunk: bigint;
  readonly index: number;
  readonly order: number;
  readonly physStart: bigint;
  readonly bitmap: bigint;
}

/** Elements that are looked at; the first few decide. */
const MAX_ELEMENTS = 1 << 16;

/**
 * Reads the chain of chunks, whose own layout no release changed, and asks for each bitmap size in question whether
 * a kernel could have left it so: a bitmap is aligned to its size and overlaps no other, phys_start is a multiple of
 * what a bitmap of its order spans (kho_mem_serialize(), kernel/kexec_handover.c, 6.17 and 6.18), and what the bits say
 * is preserved once and outside scratch.
 * @param map physical address of the first chunk
 * @returns null when the compatible string tells the size, or there is no bitmap
 */
export function bitmapEvidence(image: ChainImage, map: bigint): BitmapEvidence | null {
  const { target, memory } = image;
  // A tree's own bitmaps are of no size that another generation could have meant.
  if (target.tree) return null;
  const candidates = bySize(target);
  const elements = candidates.size > 1 ? readElements(target, memory, map) : [];
  if (elements.length === 0) return null;
  const objections = new Map(
    [...candidates].map(([size, alike]) => [size, objection(image, elements, size, alike, map)]),
  );
  const possible = [...candidates].filter(([size]) => objections.get(size) === undefined);
  return {
    verdict: verdictOf(
      possible.map(([size]) => size),
      chainBitmapBytes(target),
    ),
    possible: possible.map(([size]) => size),
    generations: possible.flatMap(([, alike]) => alike.map(({ name }) => name)),
    reasons: [...objections].flatMap(([size, why]) => (why ? [`not ${size} bytes: ${why}`] : [])),
  };
}

function verdictOf(possible: readonly number[], own: number): BitmapEvidence['verdict'] {
  if (!possible.includes(own)) return 'contradicts';
  return possible.length > 1 ? 'ambiguous' : 'agrees';
}

/** The generations with the target's compatible string by the size of their bitmaps, ascending. */
function bySize(target: Target): Map<number, Generation[]> {
  const sizes = new Map<number, Generation[]>();
  for (const alike of generationsWith(target.abi.text('KHO_FDT_COMPATIBLE'))) {
    if (alike.memoryMap.kind !== 'bitmap-chain') continue;
    const size = chainBitmapBytes(makeTarget({ ...target, generation: alike }));
    sizes.set(size, [...(sizes.get(size) ?? []), alike]);
  }
  return new Map([...sizes].sort(([a], [b]) => a - b));
}

/** Bounded, and for chains that are damaged: what cannot be read is left out. */
function readElements(target: Target, memory: PhysicalMemory, map: bigint): Element[] {
  const header = target.abi.struct('khoser_mem_chunk_hdr').size;
  const size = target.abi.struct('khoser_mem_bitmap_ptr').size;
  const elements: Element[] = [];
  const seen = new Set<bigint>();
  for (let chunk = map; chunk !== 0n && !seen.has(chunk) && elements.length < MAX_ELEMENTS; ) {
    seen.add(chunk);
    if (!memory.covers(chunk, target.pageSize)) break;
    const page = memory.read(chunk, target.pageSize);
    const { next, order, num_elms } = target.abi.struct('khoser_mem_chunk_hdr').decode(page);
    const count = Math.min(num_elms, (target.pageSize - header) / size);
    for (let index = 0; index < count && order < 64 - target.pageShift; index++) {
      const at = page.subarray(header + index * size);
      const { phys_start, bitmap } = target.abi.struct('khoser_mem_bitmap_ptr').decode(at);
      elements.push({ chunk, index, order, physStart: phys_start, bitmap });
    }
    chunk = next;
  }
  return elements;
}

/** The first reason why bitmaps of `size` bytes cannot be what a kernel left here; undefined when there is none. */
function objection(
  image: ChainImage,
  elements: readonly Element[],
  size: number,
  [generation]: readonly Generation[],
  map: bigint,
): string | undefined {
  const addresses = misplaced(image.target, elements, size) ?? overlapping(elements, size);
  return addresses ?? (generation && implausible(image, generation, map)) ?? unread(image, elements, size);
}

function misplaced(target: Target, elements: readonly Element[], size: number): string | undefined {
  for (const element of elements) {
    const span = BigInt(size * 8) << BigInt(element.order + target.pageShift);
    if (element.bitmap % BigInt(size) !== 0n) {
      return `${name(element)} has its bitmap at ${hex(element.bitmap)}, no multiple of ${size}`;
    }
    if (element.physStart % span !== 0n) {
      return `${name(element)} starts at ${hex(element.physStart)}, such a bitmap spans ${hex(span)}`;
    }
  }
  return undefined;
}

function overlapping(elements: readonly Element[], size: number): string | undefined {
  const sorted = [...elements].sort((a, b) => (a.bitmap < b.bitmap ? -1 : 1));
  for (const [i, element] of sorted.entries()) {
    const next = sorted[i + 1];
    if (next && next.bitmap < element.bitmap + BigInt(size)) {
      return `the bitmaps of ${name(element)} and ${name(next)} are ${next.bitmap - element.bitmap} bytes apart`;
    }
  }
  return undefined;
}

/** What the bits say when they are read so. */
function implausible(image: ChainImage, generation: Generation, map: bigint): string | undefined {
  const walk = walkMemoryMap({ ...image.target, generation }, image.memory, map);
  const twice = walk.findings.find(({ code }) => code === 'PRESERVED_TWICE');
  if (twice) return `they would preserve ${hex(twice.phys)} twice`;
  for (const { start, end } of pairs(walk.ranges)) {
    const area = image.scratch.find((region) => overlaps(start, end, region.start, regionEnd(region)));
    if (area) return `they would preserve ${hex(start)}-${hex(end)}, in scratch at ${hex(area.start)}`;
  }
  return undefined;
}

/**
 * When several bitmaps each begin a page, pages are what they are; then bits after the size in question are read by
 * nobody. One alone may begin a slab page, and have neighbours after it.
 */
function unread(
  { target, memory }: ChainImage,
  elements: readonly Element[],
  size: number,
): string | undefined {
  const rest = target.pageSize - size;
  const page = BigInt(target.pageSize);
  if (rest === 0 || elements.length < 2 || elements.some(({ bitmap }) => bitmap % page !== 0n))
    return undefined;
  const used = elements.find(({ bitmap }) =>
    memory.read(bitmap + BigInt(size), rest).some((byte) => byte !== 0),
  );
  return used && `each has a page, and that of ${name(used)} has more bits`;
}

const name = ({ chunk, index }: Element): string => `element ${index} of the chunk at ${hex(chunk)}`;
