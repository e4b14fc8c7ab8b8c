import { radixGeometry } from '../abi/radix.ts';
import type { Target } from '../abi/target.ts';
import { overrideBytes } from '../emit/override-bytes.ts';
import type { Producer } from '../emit/producer.ts';
import { buildRadixTree } from '../memory/radix-tree.ts';
import { MEMORY_MAP, mapPages, placeMap } from './place-map.ts';

/**
 * The memory map of 7.0 and later.
 * @returns physical address of the root
 */
export function emitRadixTree(producer: Producer): bigint {
  const { target } = producer;
  checkOrders(producer);
  const tree = buildRadixTree(target, producer.preserved.entries());
  const place = placeMap(producer, BigInt(tree.pages.length));
  tree.relocate(place.base);
  mapPages(producer, place, tree.pages);
  overrideNodes(producer, tree.pages, tree.levels);
  return place.phys;
}

/** Nodes and leaves are numbered apart, each in the order of their pages. */
function overrideNodes(producer: Producer, pages: Uint8Array, levels: Uint8Array): void {
  if (!producer.overrides.hasUnder(`${MEMORY_MAP}/`)) return;
  const { pageSize } = producer.target;
  let nodes = 0;
  let leaves = 0;
  levels.forEach((level, i) => {
    const at = i * pageSize;
    if (level === 0)
      overrideBytes(producer, `${MEMORY_MAP}/leaves[${leaves++}]`, 'kho_radix_leaf', pages, at);
    else overrideBytes(producer, `${MEMORY_MAP}/nodes[${nodes++}]`, 'kho_radix_node', pages, at);
  });
}

/** Ranges always end in small blocks here or there: the smallest order of all decides. */
function checkOrders({ target, checker, preserved }: Producer): void {
  const { ranges, folios } = preserved.entries();
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
