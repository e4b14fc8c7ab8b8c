import { constantOf } from '../abi/constants.ts';
import { KHO_VMALLOC_ALLOC, kho_vmalloc, kho_vmalloc_chunk } from '../abi/kexec_handover.ts';
import { decodeStruct, encodeStruct, type StructValues } from '../abi/layout.ts';
import type { Target } from '../abi/target.ts';
import type { Producer } from '../handover/producer.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { alignUp, hex } from '../numbers.ts';

/**
 * Preserves `content` as a vmalloc area of base pages, as kho_preserve_vmalloc() does
 * (kernel/liveupdate/kexec_handover.c, 7.3): each page and each chunk page is preserved at order 0.
 * Structures: `<path>/pages`, `<path>/chunks[i]`, and the descriptor `<path>`, which the caller stores.
 * @returns the bytes of struct kho_vmalloc
 */
export function emitVmalloc(producer: Producer, path: string, content: Uint8Array): Uint8Array {
  const { target, pageSize } = producer;
  const size = alignUp(BigInt(content.length), pageSize);
  const start = producer.allocate(`${path}/pages`, size);
  const pages = Array.from({ length: Number(size / pageSize) }, (_, i) => start + BigInt(i) * pageSize);
  pages.forEach((page, i) => {
    producer.preservePages(`${path}/pages[${i}]`, page, pageSize);
  });
  producer.memory.write(start, content);

  const first = emitChunks(producer, path, pages);
  const values = {
    first,
    total_pages: pages.length,
    flags: constantOf(target, { KHO_VMALLOC_ALLOC }),
    order: 0,
  };
  return encodeStruct(kho_vmalloc, target, producer.overrides.struct(path, kho_vmalloc, target, values));
}

/** A chunk that becomes exactly full always gets a successor, even when no entry follows (7.3). */
function emitChunks(producer: Producer, path: string, pages: readonly bigint[]): bigint {
  const perChunk = (producer.target.pageSize - 8) / 8;
  const count = Math.floor(pages.length / perChunk) + 1;
  const chunks = Array.from({ length: count }, (_, i) => {
    const chunk = producer.allocate(`${path}/chunks[${i}]`, producer.pageSize);
    producer.preservePages(`${path}/chunks[${i}]`, chunk, producer.pageSize);
    return chunk;
  });
  chunks.forEach((chunk, i) => {
    producer.writeStruct(`${path}/chunks[${i}]`, kho_vmalloc_chunk, chunk, {
      next: chunks[i + 1] ?? 0n,
      phys: pages.slice(i * perChunk, (i + 1) * perChunk),
    });
  });
  return chunks[0] ?? 0n;
}

/** What a descriptor leads to. */
export interface VmallocArea {
  /** First bytes of the blocks of 1 << order pages, in order. */
  readonly blocks: readonly bigint[];
  readonly problems: readonly string[];
}

/**
 * Follows a descriptor's chain of chunks, as kho_restore_vmalloc() does (7.3). The chain may be damaged:
 * no chunk is entered twice, and no more blocks are read than the descriptor tells.
 */
export function readVmalloc(
  memory: PhysicalMemory,
  target: Target,
  descriptor: StructValues<typeof kho_vmalloc.fields>,
): VmallocArea {
  const blocks: bigint[] = [];
  const problems: string[] = [];
  const seen = new Set<bigint>();
  const expected = Math.ceil(descriptor.total_pages / 2 ** descriptor.order);
  for (let chunk = descriptor.first; chunk !== 0n; ) {
    if (seen.has(chunk)) return { blocks, problems: [`chunk ${hex(chunk)} is in its own chain`] };
    if (!memory.covers(chunk, target.pageSize)) {
      return { blocks, problems: [`chunk ${hex(chunk)} is not in the image`] };
    }
    seen.add(chunk);
    const { next, phys } = decodeStruct(kho_vmalloc_chunk, target, memory.read(chunk, target.pageSize));
    const end = phys.indexOf(0n);
    blocks.push(...phys.slice(0, end < 0 ? phys.length : end));
    if (blocks.length > expected) return { blocks, problems: [`more than the ${expected} blocks it tells`] };
    chunk = next;
  }
  if (blocks.length < expected) problems.push(`${blocks.length} blocks, the descriptor tells ${expected}`);
  return { blocks, problems };
}
