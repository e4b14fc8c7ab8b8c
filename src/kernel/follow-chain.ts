import { chainBitmapBytes } from '../abi/chain.ts';
import type { Region } from '../memory/regions.ts';
import { type Block, type Followed, MAX_BLOCKS, readAt, setBits } from './followed.ts';
import type { Kernel } from './kernel.ts';

/** Elements that are followed: bitmaps of 1 TiB in pages of 4 KiB. */
const MAX_ELEMENTS = 1 << 13;
/** From here on sizes are another than the block's: 1 << (order + PAGE_SHIFT) is an int. */
const INT_BITS = 31n;

/**
 * kho_mem_deserialize() with deserialize_bitmap() (KH, 6.18 and 6.19): as many elements as a chunk tells, wherever they
 * stand, and bits of any order at any start.
 * @param unknown memory whose contents nobody knows when the map is read
 */
export function followBitmapChain(kernel: Kernel, first: bigint, unknown: readonly Region[]): Followed {
  const { abi } = kernel.target;
  const header = abi.struct('khoser_mem_chunk_hdr');
  const element = abi.struct('khoser_mem_bitmap_ptr');
  const read = (phys: bigint, length: number) => readAt(kernel, phys, length, unknown);
  const blocks: Block[] = [];
  const chunks = new Set<bigint>();
  let elements = 0;
  for (let chunk = first; chunk !== 0n; ) {
    if (chunks.has(chunk)) return { kind: 'endless' };
    chunks.add(chunk);
    const head = read(chunk, header.size);
    if ('kind' in head) return head;
    const { next, order, num_elms } = header.decode(head);
    for (let i = 0; i < num_elms; i++) {
      if (++elements > MAX_ELEMENTS) return { kind: 'open' };
      const bytes = read(chunk + BigInt(header.size + i * element.size), element.size);
      if ('kind' in bytes) return bytes;
      const { phys_start, bitmap } = element.decode(bytes);
      // KHOSER_LOAD_PTR() makes a null pointer of it.
      if (bitmap === 0n) return { kind: 'faults', phys: 0n };
      const bits = read(bitmap, chainBitmapBytes(kernel.target));
      if ('kind' in bits) return bits;
      const stopped = addBlocks(kernel, blocks, phys_start, order, bits);
      if (stopped) return stopped;
    }
    chunk = next;
  }
  return { kind: 'read', blocks };
}

function addBlocks(
  kernel: Kernel,
  blocks: Block[],
  start: bigint,
  order: number,
  bitmap: Uint8Array,
): Followed | undefined {
  // An unsigned int.
  const shift = BigInt.asUintN(32, BigInt(order + kernel.target.pageShift));
  for (const bit of setBits(bitmap)) {
    if (shift >= INT_BITS) return { kind: 'open' };
    const phys = BigInt.asUintN(64, start + (bit << shift));
    if (!kernel.hasStructPages(phys, phys + 1n)) return { kind: 'faults', phys };
    if (blocks.push({ phys, size: 1n << shift, order }) > MAX_BLOCKS) return { kind: 'open' };
  }
  return undefined;
}
