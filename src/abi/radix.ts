import { KhoforgeError } from '../base/errors.ts';
import { inexpressible } from './inexpressible.ts';
import type { Target } from './target.ts';

/**
 * Constants of the radix tree, as `enum kho_radix_consts` computes them
 * (include/linux/kho/abi/kexec_handover.h, 7.3).
 */
export interface RadixGeometry {
  pageShift: number;
  /** log2 of the entries in a node (KHO_TABLE_SIZE_LOG2). */
  tableSizeLog2: number;
  /** log2 of the bits in a leaf (KHO_BITMAP_SIZE_LOG2). */
  bitmapSizeLog2: number;
  /** Levels, the leaf included (KHO_TREE_MAX_DEPTH). */
  depth: number;
}

/** @throws KhoforgeError `NOT_RADIX` when the target's memory map is no radix tree, `TARGET_INEXPRESSIBLE` */
export function radixGeometry({
  generation,
  abi,
  pageShift,
}: Pick<Target, 'generation' | 'abi' | 'pageShift'>): RadixGeometry {
  if (generation.memoryMap.kind !== 'radix') {
    throw new KhoforgeError(
      'NOT_RADIX',
      `the memory map of ${generation.name} is a ${generation.memoryMap.kind}`,
    );
  }
  const tableSizeLog2 = abi.number('KHO_TABLE_SIZE_LOG2');
  const bitmapSizeLog2 = abi.number('KHO_BITMAP_SIZE_LOG2');
  const depth = abi.number('KHO_TREE_MAX_DEPTH');
  if (depth < 2 || bitmapSizeLog2 + (depth - 1) * tableSizeLog2 >= 64) {
    throw inexpressible(`KHO_TREE_MAX_DEPTH: a radix tree of ${depth} levels has no key of 64 bits`);
  }
  return { pageShift, tableSizeLog2, bitmapSizeLog2, depth };
}

/** Highest order that a radix key can carry: the order bit moves down one place per order (kho_encode_radix_key, 7.3). */
export function maxRadixOrder(pageShift: number): number {
  return 64 - pageShift;
}
