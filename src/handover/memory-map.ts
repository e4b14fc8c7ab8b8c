import { kho_radix_leaf, kho_radix_node } from '../abi/kexec_handover.ts';
import { decodeStruct, encodeStruct, type Fields, type StructDef } from '../abi/layout.ts';
import { radixGeometry } from '../abi/radix.ts';
import type { Target } from '../abi/target.ts';
import { buildRadixTree } from '../memory/radix-tree.ts';
import { alignUp, hex, humanSize } from '../numbers.ts';
import type { Producer } from './producer.ts';

/** Path of the memory map: its root is `memory-map/nodes[0]`. */
const MEMORY_MAP = 'memory-map';

/**
 * The preserved memory map: a radix tree over all that was preserved. Its own pages are not preserved
 * (kernel/liveupdate/kexec_handover.c, 7.3); they only have to stay out of scratch.
 * @returns physical address of the root
 */
export function emitMemoryMap(producer: Producer): bigint {
  const { target } = producer;
  checkBlocks(producer);
  const tree = buildRadixTree(target, producer.preserved.entries());
  const phys = producer.allocate(MEMORY_MAP, BigInt(tree.pages.length));
  tree.relocate(phys);
  producer.memory.map(phys, tree.pages);
  overrideNodes(producer, tree.pages, tree.levels);
  return phys;
}

/** Nodes and leaves are numbered apart, each in the order of their pages. */
function overrideNodes(producer: Producer, pages: Uint8Array, levels: Uint8Array): void {
  if (!producer.overrides.touches(`${MEMORY_MAP}/`)) return;
  const { pageSize } = producer.target;
  let nodes = 0;
  let leaves = 0;
  levels.forEach((level, i) => {
    const page = pages.subarray(i * pageSize, (i + 1) * pageSize);
    if (level === 0) overridePage(producer, `${MEMORY_MAP}/leaves[${leaves++}]`, kho_radix_leaf, page);
    else overridePage(producer, `${MEMORY_MAP}/nodes[${nodes++}]`, kho_radix_node, page);
  });
}

function overridePage<F extends Fields>(
  producer: Producer,
  path: string,
  def: StructDef<F>,
  page: Uint8Array,
): void {
  const { overrides, target } = producer;
  if (!overrides.touches(`${path}/`)) return;
  page.set(encodeStruct(def, target, overrides.struct(path, def, target, decodeStruct(def, target, page))));
}

function checkBlocks(producer: Producer): void {
  const { target, checker } = producer;
  const { ranges, folios } = producer.preserved.entries();
  const limit = target.generation.blockLimit;
  if (limit !== undefined) {
    const pages = limit >> BigInt(target.pageShift);
    for (let i = 0; i < ranges.length; i += 2) {
      const [start, end] = [ranges[i] ?? 0n, ranges[i + 1] ?? 0n];
      if (alignUp(start, pages) + pages <= end) {
        checker.broken('range-order', `pages ${hex(start)}-${hex(end)} hold a block of ${humanSize(limit)}`);
      }
    }
  }
  // Ranges always end in small blocks here or there: the smallest order of all decides.
  const lost = lowestOrderKept(target);
  if (lost > 0 && (ranges.length > 0 || folios.orders.some((order) => order < lost))) {
    checker.broken('radix-order-lost', `folios below order ${lost} lose their order in this tree`);
  }
}

/** Orders below this have their order bit above the highest level of the tree. */
function lowestOrderKept(target: Target): number {
  const { depth, tableSizeLog2, bitmapSizeLog2, pageShift } = radixGeometry(target);
  const bits = bitmapSizeLog2 + (depth - 1) * tableSizeLog2;
  return Math.max(0, 64 - pageShift - bits + 1);
}
