import { alignUp, hex, humanSize } from '../base/numbers.ts';
import type { Producer } from '../emit/producer.ts';
import { pairs } from '../memory/intervals.ts';
import { emitBitmapChain } from './bitmap-chain.ts';
import { emitRadixTree } from './radix-tree.ts';

/** How each kind of memory map is emitted. Each returns the map's physical address. */
const EMITTERS = {
  radix: emitRadixTree,
  'bitmap-chain': emitBitmapChain,
} as const;

/**
 * The preserved memory map, over all that was preserved. Its own memory is not preserved
 * (kernel/liveupdate/kexec_handover.c, 7.3; kernel/kexec_handover.c, 6.17); it only has to stay out of scratch.
 * @returns its physical address
 */
export function emitMemoryMap(producer: Producer): bigint {
  checkBlocks(producer);
  return EMITTERS[producer.target.generation.memoryMap.kind](producer);
}

function checkBlocks({ target, checker, preserved }: Producer): void {
  const limit = target.generation.blockLimit;
  if (limit === undefined) return;
  const { ranges } = preserved.entries();
  const pages = limit >> BigInt(target.pageShift);
  for (const { start, end } of pairs(ranges)) {
    if (alignUp(start, pages) + pages <= end) {
      checker.broken('range-order', `pages ${hex(start)}-${hex(end)} hold a block of ${humanSize(limit)}`);
    }
  }
}
