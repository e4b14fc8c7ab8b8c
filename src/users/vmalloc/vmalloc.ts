import type { Struct } from '../../abi/declared.ts';
import type { Target } from '../../abi/target.ts';
import { alignUp, hex } from '../../base/numbers.ts';
import type { Producer } from '../../emit/producer.ts';
import type { Contents } from '../../memory/contents.ts';
import type { PhysicalMemory } from '../../memory/physical-memory.ts';
import { chunkPath, pagePath, pagesPath } from './paths.ts';
import { walkVmalloc } from './walk.ts';

export interface VmallocOptions {
  /** Page order of the mapping: pages are allocated and preserved in blocks of it. Default 0. */
  readonly order?: number;
  /** KHO_VMALLOC_* (include/linux/kho/abi/kexec_handover.h, 7.3). Default KHO_VMALLOC_ALLOC, as vmalloc() gives. */
  readonly flags?: number;
}

/**
 * Preserves `content` as a vmalloc area, as kho_preserve_vmalloc() does (kernel/liveupdate/kexec_handover.c, 7.3): each
 * block of pages is preserved by itself, and each chunk page at order 0.
 * Structures: `<path>/pages[i]`, which are in a row unless they are placed apart, and `<path>/chunks[i]`.
 * @returns the descriptor, struct kho_vmalloc, for the caller to store
 */
export function emitVmalloc(
  producer: Producer,
  path: string,
  content: Contents,
  { order = 0, flags = producer.target.abi.number('KHO_VMALLOC_ALLOC') }: VmallocOptions = {},
): Struct<'kho_vmalloc'> {
  const block = producer.pageSize << BigInt(order);
  const size = alignUp(BigInt(content.size), block);
  const count = Number(size / block);
  const blocks = producer.allocateRows(pagesPath(path), 0, count, block).flatMap((row) => {
    const bytes = Number(block);
    producer.memory.fill(row.start, row.count * bytes, content, row.first * bytes);
    return Array.from({ length: row.count }, (_, i) => row.start + BigInt(i) * block);
  });
  blocks.forEach((at, i) => {
    producer.preservePages(pagePath(path, i), at, block);
  });
  return { first: emitChunks(producer, path, blocks), total_pages: blocks.length << order, flags, order };
}

/** A chunk that becomes exactly full always gets a successor, even when no entry follows (7.3). */
function emitChunks(producer: Producer, path: string, blocks: readonly bigint[]): bigint {
  const perChunk = producer.target.abi.number('KHO_VMALLOC_SIZE');
  const count = Math.floor(blocks.length / perChunk) + 1;
  const chunks = Array.from({ length: count }, (_, i) => {
    const chunk = producer.allocate(chunkPath(path, i), producer.pageSize);
    producer.preservePages(chunkPath(path, i), chunk, producer.pageSize);
    return chunk;
  });
  chunks.forEach((chunk, i) => {
    producer.writeStruct(chunkPath(path, i), 'kho_vmalloc_chunk', chunk, {
      next: chunks[i + 1] ?? 0n,
      phys: blocks.slice(i * perChunk, (i + 1) * perChunk),
    });
  });
  return chunks[0] ?? 0n;
}

/** What a descriptor leads to. */
export interface VmallocArea {
  /** First bytes of the blocks of 1 << order pages, in order. */
  readonly blocks: readonly bigint[];
  /** Pages of the chain, in order. */
  readonly chunks: readonly bigint[];
  readonly problems: readonly string[];
}

/**
 * Follows a descriptor's chain of chunks, as kho_restore_vmalloc() does (7.3). The chain may be damaged:
 * no chunk is entered twice, and no more blocks are read than the descriptor tells.
 */
export function readVmalloc(
  memory: PhysicalMemory,
  target: Target,
  descriptor: Struct<'kho_vmalloc'>,
): VmallocArea {
  const blocks: bigint[] = [];
  const seen = new Set<bigint>();
  const area = (...problems: string[]): VmallocArea => ({ blocks, chunks: [...seen], problems });
  const expected = Math.ceil(descriptor.total_pages / 2 ** descriptor.order);
  for (const { kind, phys } of walkVmalloc(memory, target, descriptor.first)) {
    if (kind === 'block') blocks.push(phys);
    else if (kind === 'end') {
      if (blocks.length > expected) return area(`more than the ${expected} blocks it tells`);
    } else {
      if (seen.has(phys)) return area(`chunk ${hex(phys)} is in its own chain`);
      if (!memory.covers(phys, target.pageSize)) return area(`chunk ${hex(phys)} is not in the image`);
      seen.add(phys);
    }
  }
  if (blocks.length < expected) return area(`${blocks.length} blocks, the descriptor tells ${expected}`);
  return area();
}
