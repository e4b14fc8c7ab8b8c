import { KhoforgeError } from '../base/errors.ts';
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

/** @throws KhoforgeError `NOT_RADIX` when the target's memory map is no radix tree */
export function radixGeometry(target: Pick<Target, 'generation' | 'pageShift'>): RadixGeometry {
  const { generation, pageShift } = target;
  if (generation.memoryMap.kind !== 'radix') {
    throw new KhoforgeError(
      'NOT_RADIX',
      `the memory map of ${generation.name} is a ${generation.memoryMap.kind}`,
    );
  }
  const tableSizeLog2 = pageShift - 3;
  const bitmapSizeLog2 = pageShift + 3;
  const { keyWidth, depth } = generation.memoryMap;
  const levels = Math.ceil((keyWidth(pageShift) - bitmapSizeLog2) / tableSizeLog2);
  return { pageShift, tableSizeLog2, bitmapSizeLog2, depth: depth ?? levels + 1 };
}

/** Highest order that a radix key can carry: the order bit moves down one place per order (kho_encode_radix_key, 7.3). */
export function maxRadixOrder(pageShift: number): number {
  return 64 - pageShift;
}
