import { overrideBytes } from '../emit/override-bytes.ts';
import type { Producer } from '../emit/producer.ts';
import { type BitmapChainPages, buildBitmapChain } from '../memory/bitmap-chain.ts';
import { MEMORY_MAP, mapPages, placeMap } from './place-map.ts';

/** Paths of the chunks' memory, which the root FDT points to, and of the bitmaps'. */
const CHUNKS = MEMORY_MAP;
const BITMAPS = `${MEMORY_MAP}/bitmaps`;

/**
 * The memory map of 6.16 to 6.19. A kernel's bitmaps come from its page allocator, or up to 6.17 from the slab of
 * their size: there several share a page, as they do here.
 * @returns physical address of the first chunk; 0 when nothing at all is preserved (kho_update_memory_map(), 6.19)
 */
export function emitBitmapChain(producer: Producer): bigint {
  const { target, memory } = producer;
  const chain = buildBitmapChain(target, producer.preserved.entries());
  if (chain.chunks.length === 0) return 0n;
  const place = placeMap(producer, BigInt(chain.chunks.length));
  const bitmaps = producer.allocate(BITMAPS, BigInt(chain.bitmaps.length));
  chain.relocate(place.base, bitmaps);
  mapPages(producer, place, chain.chunks);
  memory.map(bitmaps, chain.bitmaps);
  overrideChain(producer, chain);
  return place.phys;
}

/** Chunks in the order of the chain, `bitmaps[j]` of each their elements; bitmaps in the order of the elements. */
function overrideChain(producer: Producer, chain: BitmapChainPages): void {
  if (!producer.overrides.hasUnder(`${CHUNKS}/`)) return;
  const { pageSize } = producer.target;
  for (let at = 0; at < chain.chunks.length; at += pageSize) {
    overrideChunk(producer, `${CHUNKS}/chunks[${at / pageSize}]`, chain.chunks, at);
  }
  for (let at = 0; at < chain.bitmaps.length; at += chain.bitmapBytes) {
    const path = `${BITMAPS}[${at / chain.bitmapBytes}]`;
    overrideBytes(producer, path, 'kho_mem_phys_bits', chain.bitmaps, at);
  }
}

function overrideChunk(producer: Producer, path: string, chunks: Uint8Array, at: number): void {
  if (!producer.overrides.hasUnder(`${path}/`)) return;
  const header = Number(producer.sizeOf('khoser_mem_chunk_hdr'));
  const element = Number(producer.sizeOf('khoser_mem_bitmap_ptr'));
  const { num_elms } = producer.target.abi.struct('khoser_mem_chunk_hdr').decode(chunks.subarray(at));
  for (let i = 0; i < num_elms; i++) {
    const offset = at + header + i * element;
    overrideBytes(producer, `${path}/bitmaps[${i}]`, 'khoser_mem_bitmap_ptr', chunks, offset);
  }
  overrideBytes(producer, path, 'khoser_mem_chunk_hdr', chunks, at);
}
