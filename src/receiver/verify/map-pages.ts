import { chainBitmapBytes, khoser_mem_chunk_hdr } from '../../abi/bitmap-chain.ts';
import { decodeStruct } from '../../abi/layout.ts';
import { radixGeometry } from '../../abi/radix.ts';
import { hex } from '../../numbers.ts';
import type { Context } from './context.ts';

/** One page, or bitmap, that a memory map is made of. */
export interface MapPage {
  readonly phys: bigint;
  readonly size: bigint;
  readonly what: string;
}

/** Pages that are listed; a map of 10 million pages that stand together has some hundred. */
const LIMIT = 1 << 18;

/** What a memory map stands in, each once. What cannot be read is listed, but leads nowhere. */
export function mapPages(context: Context, map: bigint): readonly MapPage[] {
  return context.target.generation.memoryMap.kind === 'radix'
    ? radixPages(context, map)
    : chainPages(context, map);
}

function radixPages(context: Context, root: bigint): MapPage[] {
  const { depth } = radixGeometry(context.target);
  const found = new Map<bigint, MapPage>();
  let level: bigint[] = [root];
  for (let height = depth - 1; height >= 0 && level.length > 0; height--) {
    const below: bigint[] = [];
    for (const phys of level) {
      if (found.has(phys) || found.size >= LIMIT) continue;
      const what = `${height === 0 ? 'leaf' : 'node'} ${hex(phys)}`;
      found.set(phys, { phys, size: context.pageSize, what });
      if (height > 0) pushAll(below, entries(context, phys));
    }
    level = below;
  }
  return [...found.values()];
}

function entries(context: Context, phys: bigint): bigint[] {
  if (!isPresent(context, phys)) return [];
  const page = Buffer.from(context.read(phys, context.target.pageSize));
  const found: bigint[] = [];
  for (let at = 0; at < page.length; at += 8) {
    const entry = page.readBigUInt64LE(at);
    if (entry !== 0n) found.push(entry);
  }
  return found;
}

function pushAll(list: bigint[], more: readonly bigint[]): void {
  for (const one of more) if (list.length < LIMIT) list.push(one);
}

function chainPages(context: Context, first: bigint): MapPage[] {
  const { target, pageSize } = context;
  const bitmap = BigInt(chainBitmapBytes(target));
  const found = new Map<bigint, MapPage>();
  for (let chunk = first; chunk !== 0n && !found.has(chunk) && found.size < LIMIT; ) {
    found.set(chunk, { phys: chunk, size: pageSize, what: `chunk ${hex(chunk)}` });
    if (!isPresent(context, chunk)) break;
    const page = Buffer.from(context.read(chunk, target.pageSize));
    const { next, num_elms } = decodeStruct(khoser_mem_chunk_hdr, target, page);
    const room = (target.pageSize - 16) / 16;
    for (let i = 0; i < Math.min(num_elms, room); i++) {
      const phys = page.readBigUInt64LE(16 + i * 16 + 8);
      found.set(phys, { phys, size: bitmap, what: `bitmap ${hex(phys)}` });
    }
    chunk = next;
  }
  return [...found.values()];
}

function isPresent({ image, target, pageSize }: Context, phys: bigint): boolean {
  return phys % pageSize === 0n && phys + pageSize <= 1n << 64n && image.memory.covers(phys, target.pageSize);
}
