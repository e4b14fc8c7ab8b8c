import { KhoforgeError } from '../base/errors.ts';
import type { Target } from './target.ts';

/**
 * Bytes of one bitmap (PRESERVE_BITS / 8).
 * @throws KhoforgeError `NOT_BITMAP_CHAIN` when the target's memory map is no chain of bitmaps
 */
export function chainBitmapBytes({ generation, abi }: Pick<Target, 'generation' | 'abi'>): number {
  const { memoryMap, name } = generation;
  if (memoryMap.kind === 'bitmap-chain') return abi.number('PRESERVE_BITS') / 8;
  throw new KhoforgeError('NOT_BITMAP_CHAIN', `the memory map of ${name} is a ${memoryMap.kind}`);
}
